"""Uploads through a real server and real clients: those that go away, those that are slow, those that send too much."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api.options import ApiOptions
from api.services import Services
from contracts.status import VideoStatus
from database.engine import Database
from database.pages import VideoFilter
from database.tables import Video
from tests.api.forms import BOUNDARY, MULTIPART, file_part, form
from tests.api.running import RecordedRuns, over_http, until, with_limits

UPLOAD = "/api/v1/videos/upload"
MEBIBYTE = 1024 * 1024
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def videos_in(database: Database, status: VideoStatus) -> list[Video]:
    return list(
        (await database.videos.list_page("local", limit=100, after=None, wanted=VideoFilter(status=status))).videos
    )


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


async def begin_upload(http: httpx.AsyncClient, *headers: str, body: bytes = b"") -> Connection:
    """Send a request's headers and the first bytes of its body, as a client that may never send the rest."""
    connection = await asyncio.open_connection(http.base_url.host, http.base_url.port)
    content_type = f"Content-Type: {MULTIPART['Content-Type']}"
    head = "\r\n".join([f"POST {UPLOAD} HTTP/1.1", "Host: 127.0.0.1", content_type, *headers, "", ""])
    connection[1].write(head.encode() + body)
    await connection[1].drain()
    return connection


async def endless(piece: bytes) -> AsyncIterator[bytes]:
    yield file_part(piece)[:-2]
    while True:
        yield piece


async def sixty_mebibytes() -> AsyncIterator[bytes]:
    yield file_part(b"", "holiday.mkv")[:-2]
    for _ in range(60):
        yield b"x" * MEBIBYTE
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


async def test_a_client_that_goes_away_leaves_no_file_and_a_row_that_says_so(
    http: httpx.AsyncClient, database: Database, uploads_folder: Path
) -> None:
    _, writer = await begin_upload(http, "Content-Length: 7000000", body=file_part(b"x" * 3 * MEBIBYTE))
    await until(lambda: files_in(uploads_folder))
    writer.close()

    async def interrupted() -> list[Video]:
        return await videos_in(database, VideoStatus.ERROR)

    await until(interrupted)
    [video] = await interrupted()
    assert video.error_code == "upload_interrupted"
    assert video.error_reason
    await until(lambda: not files_in(uploads_folder))


async def test_the_key_of_an_interrupted_upload_may_be_used_again(
    http: httpx.AsyncClient, database: Database, runs: RecordedRuns
) -> None:
    body = file_part(b"x" * 2 * MEBIBYTE)
    _, writer = await begin_upload(http, "Idempotency-Key: key", "Content-Length: 7000000", body=body)

    async def uploading() -> bool:
        return bool(await videos_in(database, VideoStatus.UPLOADING))

    async def interrupted() -> bool:
        return bool(await videos_in(database, VideoStatus.ERROR))

    await until(uploading)
    writer.close()
    await until(interrupted)
    answer = await http.post(UPLOAD, headers={"Idempotency-Key": "key"}, files={"file": ("clip.mp4", b"x")})
    assert answer.status_code == 202
    assert [request.video_id for request, _ in runs.started] == [answer.json()["video_id"]]


async def test_a_chunked_body_past_the_limit_is_refused_and_leaves_nothing(
    http: httpx.AsyncClient, database: Database, uploads_folder: Path
) -> None:
    body = form(file_part(b"x" * 9 * MEBIBYTE))

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 300_000):
            yield body[start : start + 300_000]

    answer = await http.post(UPLOAD, headers=MULTIPART, content=chunks())
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert files_in(uploads_folder) == []
    assert sum((await database.videos.count_by_status()).values()) == 0


async def test_a_client_that_never_stops_sending_is_answered(http: httpx.AsyncClient, uploads_folder: Path) -> None:
    reader, writer = await begin_upload(http, "Transfer-Encoding: chunked")

    async def send() -> None:
        async for piece in endless(b"x" * 65536):
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()

    sending = asyncio.create_task(send())
    async with asyncio.timeout(10):
        assert b" 413 " in await reader.readline()
    sending.cancel()
    await asyncio.wait({sending})
    writer.close()
    assert files_in(uploads_folder) == []


async def test_a_length_past_the_limit_is_refused_before_the_body_is_sent(http: httpx.AsyncClient) -> None:
    reader, writer = await begin_upload(http, f"Content-Length: {10**12}", "Expect: 100-continue")
    async with asyncio.timeout(10):
        assert b" 413 " in await reader.readline(), "the refusal, and no 100 Continue before it"
    writer.close()


async def test_the_extension_is_checked_before_the_file_arrives(http: httpx.AsyncClient) -> None:
    reader, writer = await begin_upload(http, "Content-Length: 5000000", body=file_part(b"", "clip.txt")[:-2])
    async with asyncio.timeout(5):
        assert b" 415 " in await reader.readline()
    writer.close()


async def test_a_large_upload_of_the_wrong_kind_is_answered_to_httpx(http: httpx.AsyncClient) -> None:
    for _ in range(3):  # the connection, too, has to survive it or be replaced
        answer = await http.post(UPLOAD, headers=MULTIPART, content=sixty_mebibytes())
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_extension")


async def test_a_large_upload_of_the_wrong_kind_is_answered_to_a_client_that_asks_to_close(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.post(UPLOAD, headers=MULTIPART | {"Connection": "close"}, content=sixty_mebibytes())
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_extension")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("arguments", [[], ["-H", "Expect:"], ["-H", "Transfer-Encoding: chunked"], ["--http1.0"]])
async def test_a_large_upload_of_the_wrong_kind_is_answered_to_curl(
    services: Services, options: ApiOptions, tmp_path: Path, arguments: list[str]
) -> None:
    large = tmp_path / "holiday.mkv"
    with large.open("wb") as file:
        file.truncate(60 * MEBIBYTE)
    async with over_http(services, with_limits(options, max_bytes=100 * MEBIBYTE)) as http:
        curl = await asyncio.create_subprocess_exec(
            "curl", "-sS", "--noproxy", "*", "-w", "%{http_code}", "-F", f"file=@{large}", *arguments,
            str(http.base_url.join(UPLOAD)),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await curl.communicate()
    assert (curl.returncode, errors) == (0, b"")
    assert output.endswith(b"415")
    assert b'"unsupported_extension"' in output


async def test_an_upload_that_is_too_slow_is_ended(
    services: Services, options: ApiOptions, database: Database, uploads_folder: Path
) -> None:
    async with over_http(services, with_limits(options, timeout_seconds=0.3)) as http:
        reader, writer = await begin_upload(http, "Content-Length: 900000", body=file_part(b"x" * 1000))
        async with asyncio.timeout(10):
            assert b" 408 " in await reader.readline()
        writer.close()
    [video] = await videos_in(database, VideoStatus.ERROR)
    assert video.error_code == "upload_interrupted"
    assert files_in(uploads_folder) == []


async def test_an_upload_that_a_stopping_server_cuts_off_leaves_no_file_and_a_row_that_says_so(
    services: Services, options: ApiOptions, database: Database, uploads_folder: Path
) -> None:
    async with over_http(services, options, grace_seconds=1) as http:
        _, writer = await begin_upload(http, "Content-Length: 7000000", body=file_part(b"x" * 3 * MEBIBYTE))
        await until(lambda: files_in(uploads_folder))
    writer.close()
    [video] = await videos_in(database, VideoStatus.ERROR)
    assert video.error_code == "upload_interrupted"
    assert files_in(uploads_folder) == []


async def test_several_large_uploads_at_once_all_arrive_whole(
    http: httpx.AsyncClient, database: Database, uploads_folder: Path
) -> None:
    contents = [bytes([number]) * (5 * MEBIBYTE + number) for number in range(5)]
    answers = await asyncio.gather(
        *(http.post(UPLOAD, files={"file": (f"{number}.mov", content)}) for number, content in enumerate(contents))
    )
    assert [answer.status_code for answer in answers] == [202] * 5
    for answer, content in zip(answers, contents, strict=True):
        video_id = answer.json()["video_id"]
        assert (uploads_folder / "originals" / f"{video_id}.mov").read_bytes() == content
    assert len(await videos_in(database, VideoStatus.PROCESSING)) == 5


async def test_a_connection_is_used_again_after_an_early_answer(http: httpx.AsyncClient) -> None:
    body = form(file_part(b"x" * 300_000, "clip.txt"))
    reader, writer = await begin_upload(http, f"Content-Length: {len(body)}", body=body[:1000])
    async with asyncio.timeout(10):
        assert b" 415 " in await reader.readline()
        writer.write(body[1000:] + b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        rest = await reader.read()
    assert b"HTTP/1.1 200 OK" in rest
    assert rest.endswith(b'{"status":"ok"}')
    writer.close()
