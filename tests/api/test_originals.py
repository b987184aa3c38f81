"""The uploaded file is given back to its owner, whole or in ranges, under its own name, from a disk or a bucket."""

from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import unquote

import httpx
import pytest

from api.options import ApiOptions
from api.remote_file import RemoteServing
from api.routers.originals import attachment
from api.services import Services
from contracts.status import VideoStatus
from database.engine import Database
from storage.disk import DiskStorage
from storage.protocol import Storage
from tests.api.rows import make_video
from tests.api.running import over_http

VIDEOS = "/api/v1/videos"


@pytest.fixture(params=["disk", "bucket, by a redirect", "bucket, through the api"])
def way(request: pytest.FixtureRequest) -> str:
    """Where the file is, and how it comes from there."""
    return str(request.param)


@pytest.fixture
def place(way: str, request: pytest.FixtureRequest) -> Storage:
    """Each kind of place."""
    found: Storage = request.getfixturevalue("storage" if way == "disk" else "bucket_storage")
    return found


@pytest.fixture
async def http(services: Services, options: ApiOptions, place: Storage, way: str) -> AsyncIterator[httpx.AsyncClient]:
    """The api on it; redirects are followed."""
    serving = RemoteServing("redirect" if way.endswith("redirect") else "stream", seconds=60)
    async with over_http(replace(services, storage=place), replace(options, remote_serving=serving)) as client:
        client.follow_redirects = True
        yield client


async def test_the_original_comes_back_under_its_own_name(
    http: httpx.AsyncClient, place: Storage, database: Database
) -> None:
    video = await make_video(database, place, VideoStatus.ERROR)
    whole = await http.get(f"{VIDEOS}/{video.id}/original")
    assert (whole.status_code, whole.content) == (200, b"content")
    assert whole.headers["content-type"] == "application/octet-stream"
    assert whole.headers["content-disposition"] == "attachment; filename=\"clip.mp4\"; filename*=UTF-8''clip.mp4"
    part = await http.get(f"{VIDEOS}/{video.id}/original", headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"ont")
    assert (await http.head(f"{VIDEOS}/{video.id}/original")).headers["content-length"] == "7"


async def test_an_original_that_is_not_there_is_not_found(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    video = await make_video(database, storage, VideoStatus.UPLOADING)
    answer = await client.get(f"{VIDEOS}/{video.id}/original")
    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")


def test_a_name_of_any_letters_is_one_header() -> None:
    name = 'Größe "7"\\50%; 日本.mp4'
    header = attachment(name)
    assert header.startswith("attachment; filename=\"Gr__e _7__50_; __.mp4\"; filename*=UTF-8''")
    assert header.isascii()
    assert unquote(header.rpartition("''")[2]) == name
