"""The form puts an upload into a bucket as it comes, whole or not at all."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import httpx
import pytest

from api.options import ApiOptions
from api.services import Services
from contracts.status import VideoStatus
from database.engine import Database
from database.tables import Video
from storage.bucket import BucketStorage
from storage.bucket_objects import Bucket
from storage.protocol import Kept
from tests.api.forms import BOUNDARY, MULTIPART, file_part
from tests.api.running import over_http, with_limits
from tests.fixtures.noise import noise
from tests.storage.published import content_of
from tests.waiting import eventually

UPLOAD = "/api/v1/videos/upload"
MEBIBYTE = 1024 * 1024
CONTENT = noise(7 * MEBIBYTE)  # more than is sent to a bucket at once


@pytest.fixture
async def http(
    services: Services, options: ApiOptions, bucket_storage: BucketStorage
) -> AsyncIterator[httpx.AsyncClient]:
    """The api on a bucket."""
    large = with_limits(options, max_bytes=32 * MEBIBYTE)
    async with over_http(replace(services, storage=bucket_storage), large) as client:
        yield client


async def test_an_upload_stands_in_the_bucket_as_it_was_sent(
    http: httpx.AsyncClient, database: Database, bucket_storage: BucketStorage
) -> None:
    answer = await http.post(UPLOAD, files={"file": ("clip.mp4", CONTENT)})
    video = await database.videos.get(UUID(answer.json()["video_id"]))
    assert video is not None
    assert (video.status, video.content_sha256) == (VideoStatus.PROCESSING, hashlib.sha256(CONTENT).hexdigest())
    assert await content_of(bucket_storage, video.original_key) == CONTENT


async def test_an_upload_that_is_refused_when_it_has_come_leaves_nothing_in_the_bucket(
    http: httpx.AsyncClient, bucket_storage: BucketStorage
) -> None:
    answer = await http.post(UPLOAD, files={"file": ("clip.mp4", CONTENT)}, data={"profile": "cinema"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_profile")
    assert [kept async for kept in bucket_storage.kept("originals/")] == []


@pytest.mark.parametrize("action", ["cancel", "delete"])
async def test_an_upload_that_is_withdrawn_while_its_parts_come_leaves_none_of_them(
    http: httpx.AsyncClient, database: Database, bucket: Bucket, bucket_storage: BucketStorage, action: str
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield file_part(b"")[:-2]
        for number in range(20):
            if number == 18:
                assert await bucket.unfinished(f"originals/{await newest(database)}.mp4") != []
                url = f"/api/v1/videos/{await newest(database)}"
                ended = await (http.post(f"{url}/cancel") if action == "cancel" else http.delete(url))
                assert ended.status_code in {202, 204}
            yield noise(MEBIBYTE, number)
        yield f"\r\n--{BOUNDARY}--\r\n".encode()

    answer = await http.post(UPLOAD, headers=MULTIPART, content=pieces())
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_withdrawn")
    assert [kept async for kept in bucket_storage.kept("originals/")] == []


async def test_a_client_that_goes_away_while_its_parts_come_leaves_none_of_them(
    http: httpx.AsyncClient, database: Database, bucket: Bucket, bucket_storage: BucketStorage
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield file_part(b"")[:-2]
        for number in range(18):
            yield noise(MEBIBYTE, number)
        await eventually(lambda: bucket.all_unfinished("originals/"), bool)
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await http.post(UPLOAD, headers=MULTIPART, content=pieces())

    async def row() -> Video | None:
        return await database.videos.get(UUID(await newest(database)))

    video = await eventually(row, lambda video: video is not None and video.status == VideoStatus.ERROR)
    assert video is not None
    assert video.error_code == "upload_interrupted"

    async def left() -> list[Kept]:
        return [kept async for kept in bucket_storage.kept("originals/")]

    await eventually(left, lambda kept: not kept)


async def newest(database: Database) -> str:
    """Id of the video that was begun last."""
    page = await database.videos.list_page("local", limit=1, after=None)
    return str(page.videos[0].id)
