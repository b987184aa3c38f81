"""``rushes upload`` goes on where it broke: when the api is killed, and when the command itself was."""

import asyncio
import hashlib
import os
import signal
from pathlib import Path

import pytest

from tests.end_to_end.service import Row, Service
from tests.fixtures.noise import noise
from tests.fixtures.stack import finish
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)

MEBIBYTE = 1024 * 1024
FILE_BYTES = 250 * MEBIBYTE
FILE_FOR_A_BUCKET_BYTES = 120 * MEBIBYTE
"""A bucket takes it as long."""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that takes a second or more to send, and has no piece twice."""
    path = tmp_path_factory.mktemp("large") / "large.mp4"
    with path.open("wb") as file:
        for number in range(FILE_BYTES // MEBIBYTE):
            file.write(noise(MEBIBYTE, number))
    return path


@pytest.fixture(params=["harmed", "service_in_a_bucket"])
def killed_service(request: pytest.FixtureRequest) -> Service:
    """On a disk, and in a bucket; its api comes back by itself."""
    harmed: Service = request.getfixturevalue(request.param)
    return harmed


@pytest.fixture
def sent(killed_service: Service, large: Path, tmp_path: Path) -> Path:
    """What it gets."""
    if killed_service.bucket is None:
        return large
    with large.open("rb") as file, (tmp_path / "large.mp4").open("wb") as beginning:
        beginning.write(file.read(FILE_FOR_A_BUCKET_BYTES))
    return tmp_path / "large.mp4"


async def in_mid_upload(service: Service) -> Row:
    """The newest video, once some of its file is durable and not all."""

    async def uploading() -> Row | None:
        newest = (await service.http.get("/api/v1/videos", params={"status": "uploading"})).json()["items"]
        return newest[0] if newest and await offset_of(newest[0]["id"]) > 30 * MEBIBYTE else None

    async def offset_of(video_id: str) -> int:
        answer = await service.http.head(f"/api/v1/uploads/{video_id}", headers={"Tus-Resumable": "1.0.0"})
        return int(answer.headers.get("Upload-Offset", 0))

    found = await eventually(uploading, bool, within_seconds=30)
    assert found is not None
    return found


def sha256(path: Path) -> str:
    """Of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def arrived(service: Service, video_id: str, file: Path) -> None:
    """The original is the file, to the last byte; that it is no video is found out, and told, afterwards."""
    row = await service.ended(video_id)
    assert row["error_code"] == "invalid_media"
    original = await service.original(f"originals/{video_id}.mp4", file.parent)
    assert await asyncio.to_thread(sha256, original) == await asyncio.to_thread(sha256, file)


async def test_an_api_that_is_killed_in_mid_upload_costs_the_command_a_moment(
    killed_service: Service, sent: Path
) -> None:
    command = await killed_service.home.begin("upload", str(sent))
    row = await in_mid_upload(killed_service)
    os.kill(killed_service.run.pids["api"], signal.SIGKILL)
    ended = await finish(command)
    assert (ended.code, ended.out.strip()) == (0, row["id"]), ended.err
    assert "Going on from where it was." in ended.err
    await arrived(killed_service, row["id"], sent)


async def test_the_same_command_again_goes_on_with_what_a_killed_one_began(harmed: Service, large: Path) -> None:
    before = await ids(harmed)
    killed = await harmed.home.begin("upload", str(large))
    row = await in_mid_upload(harmed)
    os.killpg(killed.pid, signal.SIGKILL)
    await killed.communicate()
    ended = await harmed.home.rushes("upload", str(large))
    assert (ended.code, ended.out.strip()) == (0, row["id"]), ended.err
    await arrived(harmed, row["id"], large)
    assert await ids(harmed) - before == {row["id"]}


async def ids(service: Service) -> set[str]:
    """Of all videos."""
    return {video["id"] for video in (await service.http.get("/api/v1/videos")).json()["items"]}
