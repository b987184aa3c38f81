"""An upload over several requests arrives whole, whatever becomes of each of them: tus, on a disk and in a bucket."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from api.options import ApiOptions
from api.services import Services
from contracts.status import VideoStatus
from database.engine import Database
from database.tables import Video
from storage.disk import DiskStorage
from storage.protocol import Storage
from tests.api.running import RecordedRuns, over_http, until
from tests.storage.published import content_of

UPLOADS = "/api/v1/uploads"
MEBIBYTE = 1024 * 1024
CONTENT = bytes(range(256)) * (80 * 1024)  # 20 MiB: more than two parts of a multipart upload
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}


@pytest.fixture(params=["disk", "bucket"])
def storage(request: pytest.FixtureRequest) -> Storage:
    """Each kind of place."""
    if request.param == "disk":
        folder = request.getfixturevalue("tmp_path")
        return DiskStorage(folder / "uploads", folder / "scratch")
    bucket: Storage = request.getfixturevalue("bucket_storage")
    return bucket


@pytest.fixture
def on_disk(storage: Storage) -> Storage:
    """For what does not depend on the place."""
    return storage


only_on_disk = pytest.mark.parametrize("storage", ["disk"], indirect=True)


def metadata(**texts: str) -> dict[str, str]:
    """As a header."""
    pairs = (f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in texts.items())
    return {"Upload-Metadata": ",".join(pairs)}


async def created(http: httpx.AsyncClient, length: int = len(CONTENT), /, **headers: str) -> str:
    """The address of a new upload."""
    asked = {**TUS, "Upload-Length": str(length), **metadata(filename="holiday.mp4"), **headers}
    answer = await http.post(UPLOADS, headers=asked)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


async def append(http: httpx.AsyncClient, url: str, offset: int, content: bytes, **headers: str) -> httpx.Response:
    """Send bytes."""
    return await http.patch(url, headers={**BYTES, "Upload-Offset": str(offset), **headers}, content=content)


async def offset_of(http: httpx.AsyncClient, url: str) -> int:
    """How far it is."""
    answer = await http.head(url, headers=TUS)
    assert answer.status_code == 200, answer.headers
    return int(answer.headers["upload-offset"])


async def row_of(database: Database, url: str) -> Video:
    """The upload's video."""
    video = await database.videos.get(UUID(url.rpartition("/")[2]))
    assert video is not None
    return video


async def arrived(database: Database, storage: Storage, runs: RecordedRuns, url: str) -> Video:
    """The video, once its file is whole and its run was started."""
    video = await row_of(database, url)
    assert (video.status, video.file_size_bytes) == (VideoStatus.PROCESSING, len(CONTENT))
    assert await content_of(storage, video.original_key) == CONTENT
    assert [request.video_id for request, _ in runs.started] == [str(video.id)]
    return video


def interrupting(content: bytes) -> AsyncIterator[bytes]:
    """A body that breaks off before its end."""

    async def pieces() -> AsyncIterator[bytes]:
        for begin in range(0, len(content), MEBIBYTE):
            yield content[begin : begin + MEBIBYTE]
        raise ConnectionAbortedError

    return pieces()


async def test_an_upload_in_pieces_is_whole_with_its_hash_and_its_run_starts(
    http: httpx.AsyncClient, database: Database, storage: Storage, runs: RecordedRuns
) -> None:
    url, step = await created(http), 7 * MEBIBYTE
    for offset in range(0, len(CONTENT), step):
        assert await offset_of(http, url) == offset
        answer = await append(http, url, offset, CONTENT[offset : offset + step])
        assert (answer.status_code, answer.headers["tus-resumable"]) == (204, "1.0.0"), answer.text
    video = await arrived(database, storage, runs, url)
    assert video.content_sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (video.title, video.original_filename) == ("holiday", "holiday.mp4")
    assert await offset_of(http, url) == len(CONTENT), "a client that missed the last answer asks again"
    assert (await append(http, url, len(CONTENT), b"")).status_code == 204


async def test_what_arrived_of_a_request_that_broke_is_kept(
    http: httpx.AsyncClient, database: Database, storage: Storage, runs: RecordedRuns
) -> None:
    url = await created(http)
    with pytest.raises(ConnectionAbortedError):
        await http.patch(url, headers={**BYTES, "Upload-Offset": "0"}, content=interrupting(CONTENT[: 9 * MEBIBYTE]))
    await until(lambda: is_free(database, url))
    offset = await offset_of(http, url)
    assert 0 < offset <= 9 * MEBIBYTE
    assert (await append(http, url, offset, CONTENT[offset:])).status_code == 204
    video = await arrived(database, storage, runs, url)
    assert video.content_sha256 == hashlib.sha256(CONTENT).hexdigest()


async def is_free(database: Database, url: str) -> bool:
    """Whether nobody writes it."""
    return (await row_of(database, url)).upload_lease is None


async def test_another_process_goes_on_and_leaves_the_hash_to_the_run(
    services: Services, options: ApiOptions, database: Database, storage: Storage, runs: RecordedRuns
) -> None:
    async with over_http(services, options) as first:
        url = await created(first)
        assert (await append(first, url, 0, CONTENT[: 9 * MEBIBYTE + 5])).status_code == 204
    async with over_http(services, options) as second:
        assert (await append(second, url, 9 * MEBIBYTE + 5, CONTENT[9 * MEBIBYTE + 5 :])).status_code == 204
    video = await arrived(database, storage, runs, url)
    assert video.content_sha256 is None
    assert not runs.started[0][0].hash_is_known


async def test_bytes_with_the_creation_and_title_and_profile(
    http: httpx.AsyncClient, database: Database, storage: Storage, runs: RecordedRuns
) -> None:
    said = metadata(filename="c:\\films\\a.MOV", title="Ein Film", profile="archive")
    answer = await http.post(UPLOADS, headers={**BYTES, "Upload-Length": str(len(CONTENT)), **said}, content=CONTENT)
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, str(len(CONTENT)))
    video = await arrived(database, storage, runs, answer.headers["location"])
    assert (video.title, video.profile, video.original_filename) == ("Ein Film", "archive", "a.MOV")


@only_on_disk
async def test_the_options_say_what_is_spoken(http: httpx.AsyncClient) -> None:
    answer = await http.options(UPLOADS)
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert set(answer.headers["tus-extension"].split(",")) == {
        *("creation", "creation-with-upload", "termination", "checksum", "expiration")
    }
    assert answer.headers["tus-max-size"] == str(64 * MEBIBYTE)
    assert "sha1" in answer.headers["tus-checksum-algorithm"]


@only_on_disk
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412, "tus_version"),
        ({"Upload-Length": ""}, 400, "tus_header"),
        ({"Upload-Length": "-1"}, 400, "tus_header"),
        ({"Upload-Defer-Length": "1"}, 400, "tus_header"),
        ({"Upload-Length": str(65 * MEBIBYTE)}, 413, "too_large"),
        ({"Upload-Length": "0"}, 422, "file_empty"),
        ({"Upload-Metadata": "filename not*base64"}, 400, "tus_header"),
        ({"Upload-Metadata": ""}, 400, "tus_header"),
        (metadata(filename="notes.txt"), 415, "unsupported_extension"),
        (metadata(filename="a.mp4", title="x" * 201), 422, "invalid_title"),
        (metadata(filename="a.mp4", profile="none"), 422, "unknown_profile"),
        ({"Content-Type": "video/mp4"}, 415, "tus_media_type"),
    ],
)
async def test_what_can_not_begin_is_refused_and_leaves_no_row(
    http: httpx.AsyncClient, database: Database, headers: dict[str, str], status: int, code: str
) -> None:
    asked = {**TUS, "Upload-Length": "5", **metadata(filename="a.mp4"), **headers}
    answer = await http.post(UPLOADS, headers=asked)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["tus-resumable"] == "1.0.0"
    page = await database.videos.list_page("local", limit=1, after=None)
    assert page.videos == ()


@only_on_disk
async def test_what_does_not_fit_is_refused_before_its_first_byte(
    services: Services, options: ApiOptions, tmp_path: Path
) -> None:
    class SmallDisk(DiskStorage):
        async def free_bytes(self) -> int:
            assert await super().free_bytes() > 0
            return 50 * MEBIBYTE

    small = replace(services, storage=SmallDisk(tmp_path / "uploads", tmp_path / "scratch"))
    spare = replace(options.resumable, spare_bytes=10 * MEBIBYTE)
    async with over_http(small, replace(options, resumable=spare)) as http:
        asked = {**TUS, "Upload-Length": str(25 * MEBIBYTE), **metadata(filename="a.mp4")}
        at_once = await asyncio.gather(*(http.post(UPLOADS, headers=asked) for _ in range(4)))
        begun = [answer for answer in at_once if answer.status_code == 201]
        if not begun:  # each saw the others' bytes
            await created(http, 25 * MEBIBYTE)
        answer = await http.post(UPLOADS, headers=asked)
    assert len(begun) <= 1
    assert {answer.status_code for answer in at_once} <= {201, 507}
    assert (answer.status_code, answer.json()["code"]) == (507, "no_room"), "the first one's bytes are reserved"
    assert await services.upload_leases.reserved_bytes() == 25 * MEBIBYTE, "what was refused left no row"


@only_on_disk
async def test_only_bytes_put_off_the_end_of_an_upload(http: httpx.AsyncClient, database: Database) -> None:
    url = await created(http)
    at_first = (await row_of(database, url)).upload_expires_at
    wrong = {"Upload-Checksum": f"sha256 {base64.b64encode(hashlib.sha256(b'other').digest()).decode()}"}
    assert (await append(http, url, 0, b"")).status_code == 204
    assert (await append(http, url, 0, b"bytes", **wrong)).status_code == 460
    assert (await row_of(database, url)).upload_expires_at == at_first
    assert (await append(http, url, 0, CONTENT[:1])).status_code == 204
    later = (await row_of(database, url)).upload_expires_at
    assert at_first is not None
    assert later is not None
    assert later > at_first


@only_on_disk
async def test_room_is_reserved_only_while_bytes_come_and_looked_for_again_afterwards(
    services: Services, options: ApiOptions, tmp_path: Path
) -> None:
    class SmallDisk(DiskStorage):
        free = 50 * MEBIBYTE

        async def free_bytes(self) -> int:
            return self.free

    disk = SmallDisk(tmp_path / "uploads", tmp_path / "scratch")
    at_once_rested = replace(options.resumable, reserved_seconds=0)
    small = replace(services, storage=disk)
    async with over_http(small, options) as http, over_http(small, replace(options, resumable=at_once_rested)) as later:
        url = await created(http, 40 * MEBIBYTE)
        asked = {**TUS, "Upload-Length": str(40 * MEBIBYTE), **metadata(filename="a.mp4")}
        assert (await http.post(UPLOADS, headers=asked)).status_code == 507
        await created(later, 40 * MEBIBYTE)
        disk.free = 30 * MEBIBYTE
        answer = await append(later, url, 0, CONTENT)
        assert (answer.status_code, answer.json()["code"]) == (507, "no_room")
        disk.free = 50 * MEBIBYTE
        assert (await append(later, url, 0, CONTENT)).status_code == 204


@pytest.mark.parametrize(
    ("offset", "headers", "sent", "status", "code"),
    [
        (3, {}, b"x", 409, "wrong_offset"),
        (0, {"Upload-Offset": "x"}, b"x", 400, "tus_header"),
        (0, {"Content-Type": "video/mp4"}, b"x", 415, "tus_media_type"),
        (0, {"Tus-Resumable": "2.0.0"}, b"x", 412, "tus_version"),
        (0, {"Upload-Checksum": "crc32 AAAA"}, b"x", 400, "tus_header"),
        (0, {"Upload-Checksum": "sha1 *"}, b"x", 400, "tus_header"),
        (
            0,
            {"Upload-Checksum": "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="},
            CONTENT[: 9 * MEBIBYTE],
            460,
            "checksum_mismatch",
        ),
        (0, {}, CONTENT + b"x", 413, "too_large"),
    ],
)
async def test_a_request_that_is_refused_leaves_the_upload_to_be_gone_on_with(
    http: httpx.AsyncClient,
    database: Database,
    storage: Storage,
    runs: RecordedRuns,
    offset: int,
    headers: dict[str, str],
    sent: bytes,
    status: int,
    code: str,
) -> None:
    url = await created(http)
    answer = await append(http, url, offset, sent, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    await until(lambda: is_free(database, url))
    begin = await offset_of(http, url)
    assert begin == 0 or code == "too_large"
    assert (await append(http, url, begin, CONTENT[begin:])).status_code == 204
    video = await arrived(database, storage, runs, url)
    assert video.content_sha256 == hashlib.sha256(CONTENT).hexdigest()


async def test_bytes_that_do_not_count_are_not_left_in_storage(
    http: httpx.AsyncClient, database: Database, storage: Storage
) -> None:
    url = await created(http)
    wrong = {"Upload-Checksum": f"sha256 {base64.b64encode(hashlib.sha256(b'other').digest()).decode()}"}
    assert (await append(http, url, 0, CONTENT, **wrong)).status_code == 460
    await until(lambda: is_free(database, url))
    assert [kept async for kept in storage.kept("originals/")] == []


async def test_bytes_with_the_right_checksum_are_taken(
    http: httpx.AsyncClient, database: Database, storage: Storage, runs: RecordedRuns
) -> None:
    url, half = await created(http), 9 * MEBIBYTE
    for offset, part in ((0, CONTENT[:half]), (half, CONTENT[half:])):
        digest = base64.b64encode(hashlib.sha256(part).digest()).decode()
        assert (await append(http, url, offset, part, **{"Upload-Checksum": f"sha256 {digest}"})).status_code == 204
    await arrived(database, storage, runs, url)


@only_on_disk
async def test_one_request_at_a_time_writes_and_a_dead_one_is_taken_over_within_its_lease(
    services: Services, options: ApiOptions, database: Database, storage: Storage, runs: RecordedRuns
) -> None:
    silent = asyncio.Event()

    async def stalled() -> AsyncIterator[bytes]:
        yield CONTENT[:MEBIBYTE]
        await silent.wait()

    short = replace(options.resumable, lease_seconds=0.5)
    async with over_http(services, replace(options, resumable=short)) as http:
        url = await created(http)
        stalling = asyncio.create_task(http.patch(url, headers={**BYTES, "Upload-Offset": "0"}, content=stalled()))
        await until(lambda: not_free(database, url))
        second = await append(http, url, 0, CONTENT)
        assert (second.status_code, second.json()["code"]) == (423, "upload_locked")
        assert second.headers["retry-after"] == "1"
        await until(lambda: taken_over(http, url))
        silent.set()
        late = await stalling
        assert late.status_code in (204, 423), "who lost its turn changes nothing any more"
    await arrived(database, storage, runs, url)


async def not_free(database: Database, url: str) -> bool:
    """Whether somebody writes it."""
    return not await is_free(database, url)


async def taken_over(http: httpx.AsyncClient, url: str) -> bool:
    """Whether all of it could be sent."""
    return (await append(http, url, 0, CONTENT)).status_code == 204


@only_on_disk
async def test_a_creation_sent_again_with_its_key_answers_the_first_upload_and_where_to_go_on(
    http: httpx.AsyncClient, database: Database, storage: Storage, runs: RecordedRuns
) -> None:
    key = {"Idempotency-Key": "trip to the sea"}
    url = await created(http, **key)
    assert await created(http, **key) == url, "the answer was lost before a byte was sent"
    await append(http, url, 0, CONTENT[:MEBIBYTE])
    asked = {**BYTES, "Upload-Length": str(len(CONTENT)), **metadata(filename="holiday.mp4"), **key}
    again = await http.post(UPLOADS, headers=asked, content=CONTENT)
    assert (again.status_code, again.headers["location"]) == (201, url)
    assert (again.headers["upload-offset"], again.headers["idempotency-replayed"]) == (str(MEBIBYTE), "true")
    assert (await append(http, url, MEBIBYTE, CONTENT[MEBIBYTE:])).status_code == 204
    done = await http.post(UPLOADS, headers=asked, content=CONTENT)
    assert (done.status_code, done.headers["upload-offset"]) == (201, str(len(CONTENT)))
    await arrived(database, storage, runs, url)


@only_on_disk
async def test_of_twenty_creations_with_one_key_at_once_one_upload_comes(
    http: httpx.AsyncClient, database: Database
) -> None:
    urls = await asyncio.gather(*(created(http, **{"Idempotency-Key": "key"}) for _ in range(20)))
    assert len(set(urls)) == 1
    assert sum((await database.videos.count_by_status()).values()) == 1


@only_on_disk
@pytest.mark.parametrize(
    "other",
    [
        {"Upload-Length": "6"},
        metadata(filename="another.mp4"),
        metadata(filename="holiday.mp4", title="A title"),
        metadata(filename="holiday.mp4", profile="archive"),
    ],
)
async def test_a_key_with_another_declaration_is_refused(http: httpx.AsyncClient, other: dict[str, str]) -> None:
    key = {"Idempotency-Key": "key"}
    await created(http, 5, **key)
    asked = {**TUS, "Upload-Length": "5", **metadata(filename="holiday.mp4"), **key, **other}
    answer = await http.post(UPLOADS, headers=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


@only_on_disk
async def test_a_key_is_free_again_after_its_upload_was_terminated_or_refused(http: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "key"}
    refused = await http.post(UPLOADS, headers={**TUS, "Upload-Length": "0", **metadata(filename="a.mp4"), **key})
    assert refused.status_code == 422
    url = await created(http, 5, **key)
    assert (await http.delete(url, headers=TUS)).status_code == 204
    assert await created(http, 6, **key) != url
    unprintable = await http.post(UPLOADS, headers={**TUS, "Idempotency-Key": "x" * 256})
    assert unprintable.json()["code"] == "invalid_idempotency_key"


@only_on_disk
async def test_a_key_of_a_form_is_not_one_of_an_upload_to_go_on_with(http: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "key"}
    form = await http.post("/api/v1/videos/upload", headers=key, files={"file": ("holiday.mp4", b"bytes")})
    assert form.status_code == 202
    answer = await http.post(UPLOADS, headers={**TUS, "Upload-Length": "5", **metadata(filename="holiday.mp4"), **key})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_terminated_upload_is_a_deleted_video(
    http: httpx.AsyncClient, database: Database, runs: RecordedRuns
) -> None:
    url = await created(http)
    await append(http, url, 0, CONTENT[: 9 * MEBIBYTE])
    key = (await row_of(database, url)).original_key
    assert (await http.delete(url, headers=TUS)).status_code == 204
    assert (await http.head(url, headers=TUS)).status_code == 404
    assert [deletion.original_key for deletion in runs.deletions] == [key]
    assert (await append(http, url, 9 * MEBIBYTE, b"x")).status_code == 404


@pytest.mark.parametrize(
    ("action", "answered"), [("delete", (404, "video_not_found")), ("cancel", (410, "upload_gone"))]
)
@pytest.mark.parametrize("at", [MEBIBYTE, 19 * MEBIBYTE])
async def test_an_upload_that_is_ended_while_its_bytes_come_is_told_so(
    http: httpx.AsyncClient, action: str, answered: tuple[int, str], at: int
) -> None:
    """Where its turn is renewed, and where its last byte comes after that."""
    url = await created(http)
    video = f"/api/v1/videos/{url.rpartition('/')[2]}"

    async def pieces() -> AsyncIterator[bytes]:
        for begin in range(0, len(CONTENT), MEBIBYTE):
            if begin == at:
                ended = await (http.delete(video) if action == "delete" else http.post(f"{video}/cancel"))
                assert ended.status_code in {202, 204}
            yield CONTENT[begin : begin + MEBIBYTE]

    answer = await http.patch(url, headers={**BYTES, "Upload-Offset": "0"}, content=pieces())
    assert (answer.status_code, answer.json()["code"]) == answered


@only_on_disk
async def test_a_finished_upload_is_not_terminated_and_an_unknown_one_is_not_found(http: httpx.AsyncClient) -> None:
    url = await created(http)
    await append(http, url, 0, CONTENT)
    assert (await http.delete(url, headers=TUS)).json()["code"] == "upload_finished"
    assert (await http.head(f"{UPLOADS}/{uuid4()}", headers=TUS)).status_code == 404
    assert (await append(http, f"{UPLOADS}/{uuid4()}", 0, b"x")).json()["code"] == "video_not_found"


@only_on_disk
async def test_an_upload_that_rested_too_long_or_was_cancelled_is_gone(
    services: Services, options: ApiOptions, database: Database
) -> None:
    short = replace(options.resumable, expires_seconds=0.01)
    async with over_http(services, replace(options, resumable=short)) as http:
        url = await created(http)
        await until(lambda: is_gone(http, url))
        cancelled = await created(http)
        video = await row_of(database, cancelled)
        await database.videos.cancel_unstarted(video.id, video.attempt)
        assert (await append(http, cancelled, 0, b"x")).json()["code"] == "upload_gone"


async def is_gone(http: httpx.AsyncClient, url: str) -> bool:
    """Whether it can't be gone on with."""
    return (await append(http, url, 0, b"x")).status_code == 410


@only_on_disk
async def test_clients_without_patch_say_the_method_in_a_header(http: httpx.AsyncClient) -> None:
    url = await created(http, 5)
    override = {**BYTES, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert (await http.post(url, headers=override, content=b"he")).headers["upload-offset"] == "2"
    assert (await http.post(url, headers={**TUS, "X-HTTP-Method-Override": "DELETE"})).status_code == 204
    assert (await http.post(url, headers=TUS)).status_code == 405


@only_on_disk
async def test_a_file_that_is_whole_although_its_row_was_not_told_is_found_by_the_next_request(
    http: httpx.AsyncClient, database: Database, storage: Storage, runs: RecordedRuns
) -> None:
    url = await created(http)
    await append(http, url, 0, CONTENT[:MEBIBYTE])
    writer = await storage.continue_original((await row_of(database, url)).original_key, MEBIBYTE)
    await writer.write(CONTENT[MEBIBYTE:])
    await writer.commit()  # and the process dies before it tells the row
    assert (await append(http, url, MEBIBYTE, CONTENT[MEBIBYTE:])).status_code == 204
    await arrived(database, storage, runs, url)


@only_on_disk
@pytest.mark.parametrize(
    ("checksum", "status", "offset"),
    [(f"sha256 {base64.b64encode(bytes(32)).decode()}", 460, 0), ("crc9 AAAA", 400, None)],
)
async def test_a_creation_whose_bytes_are_refused_says_where_to_go_on_or_makes_nothing(
    http: httpx.AsyncClient, database: Database, checksum: str, status: int, offset: int | None
) -> None:
    headers = {**BYTES, "Upload-Length": "20", **metadata(filename="a.mp4"), "Upload-Checksum": checksum}
    refused = await http.post(UPLOADS, headers=headers, content=CONTENT[:20])
    assert refused.status_code == status
    if offset is None:
        assert sum((await database.videos.count_by_status()).values()) == 0
    else:
        assert await offset_of(http, refused.headers["location"]) == offset
