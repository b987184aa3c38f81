"""What is published in a bucket is served by a redirect to it, or through the api with byte ranges."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from api.options import ApiOptions
from api.remote_file import RemoteServing
from api.services import Services
from contracts.status import VideoStatus
from contracts.storage_keys import processed_folder
from database.engine import Database
from storage.bucket import BucketStorage
from tests.api.rows import PUBLISHED, make_video
from tests.api.running import over_http
from tests.fixtures.noise import noise
from tests.storage.published import PICTURE, publish_something

CONTENT = noise(256 * 10_000)
MEBIBYTE = 1024 * 1024


@pytest.fixture
async def url(database: Database, bucket_storage: BucketStorage) -> str:
    """Address of a ready video's file."""
    video = await make_video(database, bucket_storage, VideoStatus.PROCESSING)
    await publish_something(bucket_storage, str(video.id), CONTENT)
    await database.videos.mark_ready(video.id, 1, PUBLISHED)
    return f"/uploads/processed/{video.id}/video.mp4"


@pytest.fixture(params=["redirect", "stream"])
async def http(
    request: pytest.FixtureRequest, services: Services, options: ApiOptions, bucket_storage: BucketStorage
) -> AsyncIterator[httpx.AsyncClient]:
    """The api on a bucket, served each way; redirects are followed."""
    serving = RemoteServing(way=request.param, seconds=60)
    async with over_http(replace(services, storage=bucket_storage), replace(options, remote_serving=serving)) as client:
        client.follow_redirects = True
        yield client


async def test_a_published_file_is_served_whole(http: httpx.AsyncClient, url: str) -> None:
    answer = await http.get(url)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "video/mp4"
    thumbnail = await http.get(url.replace("video.mp4", "thumbnail.jpg"))
    assert (thumbnail.headers["content-type"], thumbnail.content) == ("image/jpeg", PICTURE)


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-9", 0, 10),
        (f"bytes={MEBIBYTE - 5}-{MEBIBYTE + 5}", MEBIBYTE - 5, MEBIBYTE + 6),
        ("bytes=2559990-", 2559990, 2560000),
        ("bytes=-10", 2559990, 2560000),
    ],
)
async def test_a_range_of_a_file_is_served(http: httpx.AsyncClient, url: str, asked: str, begin: int, end: int) -> None:
    answer = await http.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, CONTENT[begin:end])
    assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/{len(CONTENT)}"


async def test_head_has_the_headers_and_no_content(http: httpx.AsyncClient, url: str) -> None:
    answer = await http.head(url)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("http", ["stream"], indirect=True)
async def test_the_api_answers_conditions_and_impossible_ranges_itself(http: httpx.AsyncClient, url: str) -> None:
    known = (await http.head(url)).headers["etag"]
    assert (await http.get(url, headers={"If-None-Match": known})).status_code == 304
    beyond = await http.get(url, headers={"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(CONTENT)}")
    several = await http.get(url, headers={"Range": "bytes=0-1, 5-6"})
    assert (several.status_code, several.content) == (200, CONTENT), "all of it, as RFC 9110 allows"
    changed = await http.get(url, headers={"Range": "bytes=0-1", "If-Range": '"another"'})
    assert (changed.status_code, changed.content) == (200, CONTENT)


@pytest.mark.parametrize("http", ["redirect"], indirect=True)
async def test_a_redirect_leads_to_the_bucket_for_a_while(http: httpx.AsyncClient, url: str) -> None:
    answer = await http.get(url, follow_redirects=False)
    assert answer.status_code == 302
    assert "X-Amz-Expires=60" in answer.headers["location"]
    assert answer.headers["cache-control"] == "private, max-age=30"


async def test_what_is_not_there_or_not_ready_or_no_published_file_is_not_found(
    http: httpx.AsyncClient, url: str, database: Database, bucket_storage: BucketStorage
) -> None:
    video = await make_video(database, bucket_storage, VideoStatus.PROCESSING)
    await publish_something(bucket_storage, str(video.id), CONTENT)
    assert (await http.get(f"/uploads/processed/{video.id}/video.mp4")).status_code == 404
    assert (await http.get(url.replace("video.mp4", "original.mp4"))).status_code in (404, 422)
    assert (await http.get(f"/uploads/{video.original_key}")).status_code == 404
    await bucket_storage.delete_folder(processed_folder(url.split("/")[3]))
    assert (await http.get(url)).status_code == 404
