"""The whole service on a bucket: workers share it and nothing else."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Request, expect

from contracts.storage_keys import ORIGINALS_PREFIX, PROCESSED_PREFIX, WORK_PREFIX
from storage.bucket_client import open_bucket
from storage.bucket_objects import Bucket
from tests.end_to_end.service import Service
from tests.fetching.serving import serving as file_server
from tests.fetching.serving import well
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.commands import begin
from tests.waiting import eventually
from tests.web.files import Named
from tests.web.visitor import visiting

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def in_bucket(service_in_a_bucket: Service) -> Service:
    """The stack that others have, too."""
    return service_in_a_bucket


@pytest.fixture(scope="module")
async def bucket(in_bucket: Service) -> AsyncIterator[Bucket]:
    """A look past the service at what is in its part of the bucket."""
    assert in_bucket.bucket is not None
    async with open_bucket(in_bucket.bucket, in_bucket.home.environment) as opened:
        yield opened


@asynccontextmanager
async def another_worker(service: Service, scratch: Path) -> AsyncIterator[None]:
    """A media worker that has a scratch of its own, and neither uploads nor a database."""
    environment = {
        **service.home.environment,
        "TEMPORAL_ADDRESS": service.run.temporal,
        "RUSHES_HOME": str(scratch / "no home"),
        "RUSHES_UPLOADS": str(scratch / "no uploads"),
        "RUSHES_SCRATCH": str(scratch / "copies"),
    }
    worker = await begin(["worker", "--queue", "video-media"], environment)
    ending = asyncio.create_task(worker.ended())

    async def asks_for_work() -> bool:
        queues = (await service.http.get("/api/v1/system")).json()["queues"]
        return any(f":{worker.pid} " in poller for queue in queues for poller in queue["pollers"])

    try:
        await eventually(asks_for_work, bool, within_seconds=60)
        yield
    finally:
        worker.send_signal(signal.SIGTERM)
        await ending


async def keys(bucket: Bucket, prefix: str) -> set[str]:
    """What stands below the prefix."""
    return {key async for key, _ in bucket.listed(prefix)}


async def test_the_demonstration_says_where_in_the_bucket_everything_is(in_bucket: Service, clips: Clips) -> None:
    ended = await in_bucket.home.rushes("demo", str(clips.path(Clip.SHORT_WITH_SOUND)))
    assert ended.code == 0, ended
    assert re.search(r"^Size +320x240, [0-9.]+ KiB → [0-9.]+ KiB$", ended.out, re.MULTILINE), ended.out
    assert in_bucket.bucket is not None
    for key in (r"processed/[0-9a-f-]{36}/video\.mp4", r"originals/[0-9a-f-]{36}\.mp4"):
        assert re.search(rf" {re.escape(str(in_bucket.bucket))}/{key}$", ended.out, re.MULTILINE), ended.out


async def test_a_video_is_processed_in_the_bucket_served_from_it_and_leaves_nothing_when_deleted(
    in_bucket: Service, clips: Clips, bucket: Bucket
) -> None:
    video_id = await in_bucket.upload(clips.path(Clip.SHORT_WITH_SOUND))
    row = await in_bucket.ended(video_id)
    assert row["status"] == "ready", row
    await in_bucket.closed(video_id)
    assert [key for key in await keys(bucket, WORK_PREFIX) if video_id in key] == []
    assert len(await keys(bucket, f"{PROCESSED_PREFIX}{video_id}/")) == 2
    video = await in_bucket.http.get(row["url_mp4"], headers={"Range": "bytes=4-7"}, follow_redirects=True)
    assert (video.status_code, video.content) == (206, b"ftyp")
    assert (await in_bucket.http.delete(f"/api/v1/videos/{video_id}")).status_code == 204

    async def left() -> list[str]:
        kept = await keys(bucket, ORIGINALS_PREFIX) | await keys(bucket, PROCESSED_PREFIX)
        return [key for key in kept if video_id in key]

    await eventually(left, lambda kept: kept == [])


async def test_an_import_is_fetched_into_the_bucket(in_bucket: Service, clips: Clips, bucket: Bucket) -> None:
    content = await asyncio.to_thread(clips.path(Clip.SHORT_WITH_SOUND).read_bytes)
    async with file_server(content, well(cut_to=len(content) // 2), well()) as server:
        video_id = await in_bucket.import_from(server.url())
        row = await in_bucket.ended(video_id)
    assert (row["status"], row["file_size_bytes"]) == ("ready", len(content)), row
    assert f"{ORIGINALS_PREFIX}{video_id}.mp4" in await keys(bucket, ORIGINALS_PREFIX)
    assert await bucket.unfinished(f"{ORIGINALS_PREFIX}{video_id}.mp4") == []


async def test_workers_that_share_nothing_but_the_bucket_encode_one_video_together(
    in_bucket: Service, clips: Clips, tmp_path: Path
) -> None:
    async with another_worker(in_bucket, tmp_path):
        video_id = await in_bucket.upload(clips.path(Clip.LONG_540P))
        row = await in_bucket.ended(video_id)
    assert row["status"] == "ready", row
    steps = await in_bucket.steps_by_id(video_id)
    assert {step["attempts"] for step in steps.values()} == {1}
    assert len({step["worker"] for step in steps.values() if step["activity"] == "encode_chunk"}) == 2
    assert steps["join"]["worker"] == steps["verify"]["worker"], "who joined has the result at hand"


async def test_an_upload_that_breaks_leaves_no_object(in_bucket: Service, bucket: Bucket) -> None:
    before = await keys(bucket, ORIGINALS_PREFIX)

    async def half() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
        yield bytes(20 * 1024 * 1024)  # more than a part of a multipart upload
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await in_bucket.http.post(
            "/api/v1/videos/upload", content=half(), headers={"Content-Type": "multipart/form-data; boundary=b"}
        )
    newest = (await in_bucket.http.get("/api/v1/videos")).json()["items"][0]
    row = await in_bucket.ended(newest["id"])
    assert row["error_code"] == "upload_interrupted"
    assert await keys(bucket, ORIGINALS_PREFIX) == before
    assert await bucket.unfinished(f"{ORIGINALS_PREFIX}{row['id']}.mp4") == []


async def test_the_page_and_the_player_alone_play_from_the_bucket(
    in_bucket: Service, clips: Clips, browser: Browser, tmp_path: Path
) -> None:
    """Their policies let pictures and films through from where viewers are redirected to."""
    bucket_address = in_bucket.home.environment["AWS_ENDPOINT_URL"]
    asked_of_the_bucket: list[str] = []

    def note(request: Request) -> None:
        if request.url.startswith(bucket_address):
            asked_of_the_bucket.append(request.resource_type)

    async with visiting(browser, in_bucket.run.api) as visitor:
        visitor.page.on("request", note)
        await visitor.opens()
        await visitor.chooses(Named(tmp_path).copy(clips.path(Clip.SHORT_WITH_SOUND), "in the bucket"))
        card = await visitor.sees_ready("in the bucket")
        await expect(card.locator("img")).not_to_have_js_property("naturalWidth", 0)
        await card.locator("a.play").click()
        await eventually(visitor.frames_played, lambda frames: frames > 10)
        assert {"image", "media"} <= set(asked_of_the_bucket)
        asked_of_the_bucket.clear()
        await visitor.page.goto(visitor.page.url.replace("#play", "/embed"))
        await visitor.page.locator("video").press("k")
        await eventually(visitor.frames_played, lambda frames: frames > 10)
        assert "media" in asked_of_the_bucket
