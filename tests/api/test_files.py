"""What is published is served with byte ranges, and nothing else of storage is."""

from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from contracts.errors import ErrorCode
from contracts.status import VideoStatus
from contracts.storage_keys import processed_folder
from database.engine import Database
from database.tables import Video
from storage.disk import DiskStorage
from tests.api.rows import PUBLISHED, make_video
from tests.fixtures.noise import noise
from tests.storage.published import publish_something

CONTENT = noise(256 * 1000)


@pytest.fixture
async def published(database: Database, storage: DiskStorage) -> Video:
    """A video in processing whose files are published: 256,000 bytes and a picture."""
    video = await make_video(database, storage, VideoStatus.PROCESSING)
    await publish_something(storage, str(video.id), CONTENT)
    return video


@pytest.fixture
async def url(database: Database, published: Video) -> str:
    """Address of a ready video's file."""
    await database.videos.mark_ready(published.id, 1, PUBLISHED)
    return f"/uploads/processed/{published.id}/video.mp4"


async def test_a_published_file_is_served_whole_with_its_headers(http: httpx.AsyncClient, url: str) -> None:
    answer = await http.get(url)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"]
    assert answer.headers["last-modified"]
    assert "private" in answer.headers["cache-control"]


async def test_a_thumbnail_is_a_picture(http: httpx.AsyncClient, url: str) -> None:
    answer = await http.get(url.replace("video.mp4", "thumbnail.jpg"))
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "image/jpeg", b"picture")


async def test_head_has_the_headers_and_no_content(http: httpx.AsyncClient, url: str) -> None:
    answer = await http.head(url)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(CONTENT))


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=1000-", 1000, len(CONTENT)),
        ("bytes=-10", len(CONTENT) - 10, len(CONTENT)),
        ("bytes=255999-", 255999, len(CONTENT)),
        ("bytes=100-9999999999", 100, len(CONTENT)),
        ("bytes=-9999999999", 0, len(CONTENT)),
        ("BYTES=5-5", 5, 6),
    ],
)
async def test_a_range_of_a_file_is_served(http: httpx.AsyncClient, url: str, asked: str, start: int, end: int) -> None:
    answer = await http.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, CONTENT[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(end - start)


async def test_several_ranges_are_served_in_one_answer(http: httpx.AsyncClient, url: str) -> None:
    answer = await http.get(url, headers={"Range": "bytes=0-1, 256-257"})
    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges")
    lines = answer.content.split(b"\r\n")
    assert {CONTENT[:2], CONTENT[256:258]} <= set(lines)


@pytest.mark.parametrize("asked", ["bytes=256000-", "bytes=9999999-99999999", "bytes=-0", "bytes=0-1,256000-"])
async def test_a_range_that_is_not_there_is_416(http: httpx.AsyncClient, url: str, asked: str) -> None:
    answer = await http.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.parametrize(
    "asked", ["bytes=9-1", "bytes=", "bytes=a-b", "lines=1-2", "bytes", "bytes=1-2-3", "bytes=" + "9" * 99 + "-"]
)
async def test_a_range_that_makes_no_sense_is_ignored(http: httpx.AsyncClient, url: str, asked: str) -> None:
    answer = await http.get(url, headers={"Range": asked})
    assert (answer.status_code, len(answer.content)) == (200, len(CONTENT))


async def test_a_range_goes_on_only_in_the_same_file(http: httpx.AsyncClient, url: str) -> None:
    whole = await http.head(url)
    for condition in (whole.headers["etag"], whole.headers["last-modified"]):
        answer = await http.get(url, headers={"Range": "bytes=0-9", "If-Range": condition})
        assert answer.status_code == 206
    for condition in ('"another"', "W/" + whole.headers["etag"], "Thu, 01 Jan 1970 00:00:00 GMT"):
        for asked in ("bytes=0-9", "bytes=999999-"):
            answer = await http.get(url, headers={"Range": asked, "If-Range": condition})
            assert (answer.status_code, len(answer.content)) == (200, len(CONTENT))


async def test_a_file_that_the_client_has_is_not_sent_again(http: httpx.AsyncClient, url: str) -> None:
    whole = await http.head(url)
    known = [
        {"If-None-Match": whole.headers["etag"]},
        {"If-None-Match": f'"other", W/{whole.headers["etag"]}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": whole.headers["last-modified"]},
    ]
    for headers in known:
        answer = await http.get(url, headers=headers)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == whole.headers["etag"]
    unknown = [
        {"If-None-Match": '"other"', "If-Modified-Since": whole.headers["last-modified"]},
        {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"If-Modified-Since": "yesterday"},
    ]
    for headers in unknown:
        assert (await http.get(url, headers=headers)).status_code == 200


@pytest.mark.parametrize("ending", ["not yet", "error", "deleted"])
async def test_published_files_of_a_video_that_is_not_ready_are_not_served(
    http: httpx.AsyncClient, database: Database, published: Video, ending: str
) -> None:
    if ending == "error":
        assert await database.videos.mark_error(published.id, 1, ErrorCode.PROCESSING_LOST, "It was terminated.")
    if ending == "deleted":
        await database.videos.delete(published.id)
    for name in ("video.mp4", "thumbnail.jpg"):
        answer = await http.get(f"/uploads/processed/{published.id}/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")


async def test_a_video_that_was_withdrawn_is_gone(http: httpx.AsyncClient, storage: DiskStorage, url: str) -> None:
    await storage.delete_folder(processed_folder(url.split("/")[3]))
    answer = await http.get(url)
    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")


async def test_nothing_but_what_is_published_is_served(http: httpx.AsyncClient, uploads_folder: Path, url: str) -> None:
    video_id = url.split("/")[3]
    originals = uploads_folder / "originals"
    originals.mkdir(parents=True, exist_ok=True)
    (originals / f"{video_id}.mp4").write_bytes(b"original")
    (uploads_folder / "processed" / video_id / "other.txt").write_bytes(b"other")
    for path in (
        f"/uploads/originals/{video_id}.mp4",
        f"/uploads/processed/{video_id}/other.txt",
        f"/uploads/processed/{video_id}/../../originals/{video_id}.mp4",
        f"/uploads/processed/{video_id}/..%2f..%2foriginals%2f{video_id}.mp4",
        f"/uploads/processed/..%2foriginals/{video_id}.mp4",
        f"/uploads/processed/%2e%2e/originals/{video_id}.mp4",
        f"/uploads/processed/{uuid4()}/video.mp4",
        f"/uploads/processed/{'-' * 36}/video.mp4",
        "/uploads/processed/.moving/video.mp4",
        "/uploads/",
    ):
        answer = await http.get(path)
        assert answer.status_code in {404, 422}, path
        assert answer.headers["content-type"] == "application/problem+json"
