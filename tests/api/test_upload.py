"""What an upload gets, and what is left of it: on disk, in the database, with Temporal."""

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from api.options import ApiOptions
from api.services import Services
from contracts.processing import VideoProcessingInput
from contracts.status import VideoStatus
from database.engine import Database
from database.pages import VideoFilter
from database.tables import Video
from tests.api.forms import MULTIPART, field_part, file_part, form, in_pieces, part
from tests.api.running import RecordedRuns, in_process, over_http
from tests.fixtures.noise import noise

UPLOAD = "/api/v1/videos/upload"
CONTENT = noise(256 * 9000)  # 2.3 MB: more than two batches
MEBIBYTE = 1024 * 1024


async def upload(
    client: httpx.AsyncClient,
    filename: str = "clip.mp4",
    content: bytes = CONTENT,
    fields: dict[str, str] | None = None,
) -> httpx.Response:
    return await client.post(UPLOAD, files={"file": (filename, content)}, data=fields or {})


async def row(database: Database, answer: httpx.Response) -> Video:
    video = await database.videos.get(UUID(answer.json()["video_id"]))
    assert video is not None
    return video


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


async def rows(database: Database) -> int:
    return sum((await database.videos.count_by_status()).values())


async def test_an_upload_answers_202_with_the_video_and_where_it_is(client: httpx.AsyncClient) -> None:
    answer = await upload(client)
    assert answer.status_code == 202
    video_id = answer.json()["video_id"]
    assert answer.json() == {
        "video_id": video_id,
        "status": "processing",
        "message": "Video upload accepted, processing started",
    }
    assert answer.headers["location"] == f"/api/v1/videos/{video_id}"
    assert (await client.get(answer.headers["location"])).json()["id"] == video_id


async def test_an_upload_is_stored_whole_with_its_size_and_hash(
    client: httpx.AsyncClient, database: Database, uploads_folder: Path
) -> None:
    answer = await upload(client)
    video = await row(database, answer)
    assert (uploads_folder / video.original_key).read_bytes() == CONTENT
    assert video.original_key == f"originals/{video.id}.mp4"
    assert video.status == VideoStatus.PROCESSING
    assert video.file_size_bytes == len(CONTENT)
    assert video.content_sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert files_in(uploads_folder) == [f"{video.id}.mp4"]


async def test_a_form_leaves_on_the_disk_what_is_to_stay_free(
    services: Services, options: ApiOptions, database: Database
) -> None:
    spare = replace(options, resumable=replace(options.resumable, spare_bytes=2**60))
    async with over_http(services, spare) as http:
        answer = await upload(http)
    assert (answer.status_code, answer.json()["code"]) == (507, "no_room")
    assert await rows(database) == 0


async def test_an_upload_starts_its_workflow(client: httpx.AsyncClient, runs: RecordedRuns) -> None:
    video_id = (await upload(client)).json()["video_id"]
    request = VideoProcessingInput(video_id, "local", f"originals/{video_id}.mp4", attempt=1)
    assert runs.started == [(request, "clip.mp4")]


@pytest.mark.parametrize("size", [1, 7, 4096, 3 * MEBIBYTE])
async def test_a_body_may_come_in_pieces_of_any_size(client: httpx.AsyncClient, database: Database, size: int) -> None:
    content = CONTENT[: size * 2000]
    body = form(field_part("title", b"In pieces"), file_part(content))
    answer = await client.post(UPLOAD, headers=MULTIPART, content=in_pieces(body, size))
    video = await row(database, answer)
    assert (video.file_size_bytes, video.title) == (len(content), "In pieces")
    assert video.content_sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("before", [True, False])
async def test_a_title_may_come_before_or_after_the_file(
    client: httpx.AsyncClient, database: Database, before: bool
) -> None:
    parts = [field_part("title", "  Größe  ".encode()), file_part(b"content"), field_part("other", b"ignored")]
    body = form(*(parts if before else reversed(parts)))
    answer = await client.post(UPLOAD, headers=MULTIPART, content=body)
    assert (await row(database, answer)).title == "Größe"


@pytest.mark.parametrize("fields", [{}, {"title": "  "}])
async def test_a_video_without_a_title_is_called_like_its_file(
    client: httpx.AsyncClient, database: Database, fields: dict[str, str]
) -> None:
    video = await row(database, await upload(client, "My trip.MP4", fields=fields))
    assert (video.title, video.original_filename) == ("My trip", "My trip.MP4")
    assert video.original_key.endswith(".mp4")


@pytest.mark.parametrize("filename", ["../../../../tmp/evil.mp4", r"..\..\evil.mp4", "/etc/evil.mp4"])
async def test_a_file_name_is_never_a_path(
    client: httpx.AsyncClient, database: Database, uploads_folder: Path, filename: str
) -> None:
    body = form(file_part(b"content", filename.replace("\\", "\\\\")))
    video = await row(database, await client.post(UPLOAD, headers=MULTIPART, content=body))
    assert video.original_filename == "evil.mp4"
    assert files_in(uploads_folder) == [f"{video.id}.mp4"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (form(file_part(b"x", "clip.txt")), 415, "unsupported_extension"),
        (form(file_part(b"x", "clip")), 415, "unsupported_extension"),
        (form(file_part(b"x", "clip.mp4.exe")), 415, "unsupported_extension"),
        (form(file_part(b"")), 422, "file_empty"),
        (form(), 422, "file_missing"),
        (form(field_part("title", b"no file")), 422, "file_missing"),
        (form(field_part("file", b"no file name")), 422, "file_missing"),
        (form(file_part(b"", "")), 422, "file_missing"),
        (form(file_part(b"x", "..")), 422, "file_missing"),
        (form(file_part(b"x", name="video")), 422, "file_missing"),
        (form(file_part(b"x"), file_part(b"y")), 422, "several_files"),
        (form(file_part(b"x"), field_part("title", b"t" * 201)), 422, "invalid_title"),
        (form(file_part(b"x"), field_part("title", b"t" * 5000)), 422, "invalid_title"),
        (form(file_part(b"x"), field_part("title", b"\xff\xfe")), 422, "invalid_title"),
        (form(file_part(b"x"), field_part("title", b"nul\0")), 422, "invalid_title"),
        (form(file_part(b"x"), field_part("title", b"a"), field_part("title", b"b")), 422, "invalid_title"),
        (b"", 400, "broken_multipart"),
        (b"this is no form", 400, "broken_multipart"),
        (form(file_part(CONTENT))[:-20], 400, "broken_multipart"),
        (form(file_part(CONTENT), part(b"x", "Content-Disposition: form-data")), 400, "broken_multipart"),
        (form(file_part(b"x" * (8 * MEBIBYTE + 1))), 413, "too_large"),
        (form(file_part(b"x"), field_part("other", b"x" * (8 * MEBIBYTE + 70_000))), 413, "too_large"),
    ],
)
async def test_a_form_that_is_refused_leaves_neither_file_nor_row(
    client: httpx.AsyncClient, database: Database, uploads_folder: Path, *, body: bytes, status: int, code: str
) -> None:
    for content in (body, in_pieces(body, 65536)):  # with a Content-Length, and without
        answer = await client.post(UPLOAD, headers=MULTIPART, content=content)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
    assert files_in(uploads_folder) == []
    assert await rows(database) == 0


async def test_an_empty_file_is_refused_and_leaves_nothing(
    client: httpx.AsyncClient, database: Database, uploads_folder: Path, runs: RecordedRuns
) -> None:
    answer = await upload(client, content=b"")
    assert (answer.status_code, answer.json()["code"]) == (422, "file_empty")
    assert (files_in(uploads_folder), await rows(database), runs.started) == ([], 0, [])


async def test_a_file_of_exactly_the_limit_is_accepted(client: httpx.AsyncClient) -> None:
    assert (await upload(client, content=b"x" * (8 * MEBIBYTE))).status_code == 202


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", "video/mp4", None])
async def test_what_is_not_multipart_is_refused(client: httpx.AsyncClient, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await client.post(UPLOAD, headers=headers, content=CONTENT)
    assert (answer.status_code, answer.json()["code"]) == (415, "not_multipart")


async def test_an_idempotency_key_gets_the_first_answer_again(
    client: httpx.AsyncClient, database: Database, runs: RecordedRuns
) -> None:
    headers = {"Idempotency-Key": "trip to the sea, take 1"}
    files = {"file": ("clip.mp4", CONTENT)}
    first = await client.post(UPLOAD, headers=headers, files=files)
    again = await client.post(UPLOAD, headers=headers, files=files)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert await rows(database) == 1
    assert len(runs.started) == 1


async def test_another_key_makes_another_video(client: httpx.AsyncClient, database: Database) -> None:
    for key in ("one", "two"):
        await client.post(UPLOAD, headers={"Idempotency-Key": key}, files={"file": ("clip.mp4", b"x")})
    assert await rows(database) == 2


async def test_a_refused_upload_gives_its_key_back(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "key"}
    assert (await client.post(UPLOAD, headers=headers, files={"file": ("clip.mp4", b"")})).status_code == 422
    assert (await client.post(UPLOAD, headers=headers, files={"file": ("clip.mp4", b"x")})).status_code == 202


async def test_a_key_whose_first_upload_is_on_its_way_answers_409(client: httpx.AsyncClient) -> None:
    headers = MULTIPART | {"Idempotency-Key": "key"}
    body = form(file_part(CONTENT))
    second: list[httpx.Response] = []

    async def upload_again(start: int) -> None:
        if start > 0 and not second:
            second.append(await client.post(UPLOAD, headers=headers, content=body))

    first = await client.post(UPLOAD, headers=headers, content=in_pieces(body, MEBIBYTE, upload_again))
    assert first.status_code == 202
    assert (second[0].status_code, second[0].json()["code"]) == (409, "upload_in_progress")
    assert "retry-after" in second[0].headers


async def test_the_same_key_several_times_at_once_makes_one_video(
    client: httpx.AsyncClient, database: Database, runs: RecordedRuns, uploads_folder: Path
) -> None:
    headers = {"Idempotency-Key": "key"}
    answers = await asyncio.gather(
        *(client.post(UPLOAD, headers=headers, files={"file": ("clip.mp4", CONTENT)}) for _ in range(6))
    )
    assert {answer.status_code for answer in answers} <= {202, 409}
    made = {answer.json()["video_id"] for answer in answers if answer.status_code == 202}
    assert len(made) == 1
    assert await rows(database) == 1
    assert files_in(uploads_folder) == [f"{made.pop()}.mp4"]
    assert len(runs.started) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
async def test_a_key_that_can_not_be_kept_is_refused(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post(UPLOAD, headers={"Idempotency-Key": key}, files={"file": ("clip.mp4", b"x")})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_idempotency_key")


async def test_an_upload_while_temporal_is_away_is_accepted_and_waits(
    client: httpx.AsyncClient, database: Database, runs: RecordedRuns
) -> None:
    runs.away = True
    answer = await upload(client)
    assert (answer.status_code, answer.json()["status"]) == (202, "processing")
    assert (await row(database, answer)).status == VideoStatus.PROCESSING


@pytest.mark.parametrize(("action", "left"), [("cancel", "error"), ("delete", None)])
async def test_a_video_that_is_withdrawn_during_its_upload_leaves_no_file(
    client: httpx.AsyncClient, database: Database, uploads_folder: Path, action: str, left: str | None
) -> None:
    withdrawn: list[UUID] = []

    async def withdraw(start: int) -> None:
        if start > MEBIBYTE and not withdrawn:
            page = await database.videos.list_page("local", limit=1, after=None)
            withdrawn.append(page.videos[0].id)
            url = f"/api/v1/videos/{withdrawn[0]}"
            answer = await (client.post(f"{url}/cancel") if action == "cancel" else client.delete(url))
            assert answer.status_code in {202, 204}

    body = form(file_part(CONTENT))
    answer = await client.post(UPLOAD, headers=MULTIPART, content=in_pieces(body, 65536, withdraw))
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_withdrawn")
    assert files_in(uploads_folder) == []
    video = await database.videos.get(withdrawn[0])
    assert (video.status if video else None) == left


async def test_a_disk_that_refuses_ends_the_row(
    services: Services, options: ApiOptions, database: Database, uploads_folder: Path
) -> None:
    async with in_process(services, options) as client:
        await upload(client)
        originals = uploads_folder / "originals"
        for path in originals.iterdir():
            path.unlink()
        originals.rmdir()
        originals.write_bytes(b"not a folder")
        answer = await upload(client)
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_failed")
    failed = await database.videos.list_page(
        "local", limit=10, after=None, wanted=VideoFilter(status=VideoStatus.ERROR)
    )
    assert [video.error_code for video in failed.videos] == ["upload_interrupted"]
