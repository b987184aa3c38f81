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
from storage.bucket import BucketStorage
from tests.api.running import over_http
from tests.fixtures.noise import noise
from tests.storage.published import content_of

UPLOAD = "/api/v1/videos/upload"
CONTENT = noise(7 * 1024 * 1024)  # more than is sent to a bucket at once


@pytest.fixture
async def http(
    services: Services, options: ApiOptions, bucket_storage: BucketStorage
) -> AsyncIterator[httpx.AsyncClient]:
    """The api on a bucket."""
    async with over_http(replace(services, storage=bucket_storage), options) as client:
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
