"""An upload over several requests arrives whole, whatever becomes of each of them: tus, on a disk and in a bucket."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest

from api.options import ApiOptions
from api.services import Services
from database.engine import Database
from storage.disk import DiskStorage
from storage.protocol import Storage
from tests.api.running import RecordedRuns, over_http, until
from tests.api.tus import (
    BYTES,
    CONTENT,
    MEBIBYTE,
    TUS,
    UPLOADS,
    append,
    arrived,
    created,
    is_free,
    metadata,
    offset_of,
    row_of,
)


@pytest.fixture(params=["disk", "bucket"])
def storage(request: pytest.FixtureRequest) -> Storage:
    """Each kind of place."""
    if request.param == "disk":
        folder = request.getfixturevalue("tmp_path")
        return DiskStorage(folder / "uploads", folder / "scratch")
    bucket: Storage = request.getfixturevalue("bucket_storage")
    return bucket


only_on_disk = pytest.mark.parametrize("storage", ["disk"], indirect=True)


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


REFUSED_BEFORE_A_BYTE = [
    (3, {}, b"x", 409, "wrong_offset"),
    (0, {"Upload-Offset": "x"}, b"x", 400, "tus_header"),
    (0, {"Content-Type": "video/mp4"}, b"x", 415, "tus_media_type"),
    (0, {"Tus-Resumable": "2.0.0"}, b"x", 412, "tus_version"),
    (0, {"Upload-Checksum": "crc32 AAAA"}, b"x", 400, "tus_header"),
    (0, {"Upload-Checksum": "sha1 *"}, b"x", 400, "tus_header"),
]
REFUSED_LATER = [
    (0, {"Upload-Checksum": "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="}, CONTENT[: 9 * MEBIBYTE], 460, "checksum_mismatch"),
    (0, {}, CONTENT + b"x", 413, "too_large"),
]


@pytest.mark.parametrize(
    ("storage", "offset", "headers", "sent", "status", "code"),
    [
        *(("disk", *request) for request in REFUSED_BEFORE_A_BYTE),
        *((place, *request) for place in ("disk", "bucket") for request in REFUSED_LATER),
    ],
    indirect=["storage"],
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


async def test_an_upload_that_gets_more_than_was_declared_is_not_taken_for_whole(
    http: httpx.AsyncClient, database: Database, storage: Storage, runs: RecordedRuns
) -> None:
    async def too_much() -> AsyncIterator[bytes]:
        yield CONTENT
        await asyncio.sleep(0.3)  # so that it comes by itself; what comes together is refused just the same
        yield b"x"

    url = await created(http)
    answer = await http.patch(url, headers={**BYTES, "Upload-Offset": "0"}, content=too_much())
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    await until(lambda: is_free(database, url))
    assert not runs.started
    begin = await offset_of(http, url)
    assert begin < len(CONTENT)
    assert (await append(http, url, begin, CONTENT[begin:])).status_code == 204
    await arrived(database, storage, runs, url)


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
async def test_of_a_last_byte_and_a_termination_at_once_only_one_is_told_that_it_was_done(
    http: httpx.AsyncClient, database: Database
) -> None:
    for _ in range(8):
        url = await created(http)
        await append(http, url, 0, CONTENT[:-1])
        sent, ended = await asyncio.gather(
            append(http, url, len(CONTENT) - 1, CONTENT[-1:]), http.delete(url, headers=TUS)
        )
        if sent.status_code == 204:
            assert (ended.status_code, ended.json()["code"]) == (409, "upload_finished")
            assert (await row_of(database, url)).status == "processing"
        else:
            assert (sent.status_code, ended.status_code) in {(404, 204), (410, 204)}


async def test_nothing_is_kept_of_an_upload_that_is_cancelled_and_so_it_counts_for_nobody(
    http: httpx.AsyncClient, database: Database, storage: Storage
) -> None:
    url = await created(http)
    await append(http, url, 0, CONTENT[: 9 * MEBIBYTE])
    assert [kept.key async for kept in storage.kept("originals/")] != []
    assert (await http.post(f"/api/v1/videos/{url.rpartition('/')[2]}/cancel")).status_code == 202
    assert [kept.key async for kept in storage.kept("originals/")] == []
    assert (await row_of(database, url)).error_code == "cancelled"


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
