"""A disk that fills up costs the upload on its way, and no video: the service goes on once there is room."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from temporalio.api.workflowservice.v1 import UpdateActivityOptionsRequest
from temporalio.client import Client

from contracts.temporal_names import workflow_id
from tests.end_to_end.conftest import serving, with_everything_allowed
from tests.end_to_end.service import Row, Service
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.noise import noise
from tests.fixtures.small_disk import NoMounts, SmallDisk, mounted
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)

MEBIBYTE = 1024 * 1024
TUS = {"Tus-Resumable": "1.0.0"}
_IN_MID_CHUNK = 96 * 1024
"""More than a header, and less than all."""


@contextmanager
def mounted_or_skipped(folder: Path, mebibytes: int = 48) -> Iterator[SmallDisk]:
    try:
        with mounted(folder, mebibytes) as disk:
            yield disk
    except NoMounts as error:
        pytest.skip(f"this user may not mount a small disk: {error}")


@pytest.fixture(scope="module")
def uploads_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with mounted_or_skipped(tmp_path_factory.mktemp("disks") / "uploads") as disk:
        yield disk


@pytest.fixture(scope="module")
def scratch_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with mounted_or_skipped(tmp_path_factory.mktemp("disks") / "scratch") as disk:
        yield disk


@pytest.fixture(scope="module")
async def on_small_disks(
    tmp_path_factory: pytest.TempPathFactory, uploads_disk: SmallDisk, scratch_disk: SmallDisk
) -> AsyncIterator[Service]:
    home = with_everything_allowed(tmp_path_factory.mktemp("full")).with_settings(
        RUSHES_UPLOADS=str(uploads_disk.folder / "uploads"),
        RUSHES_SCRATCH=str(scratch_disk.folder / "scratch"),
        RUSHES_SPARE_BYTES="0",
    )
    async with serving(home) as service:
        yield service


async def waits_for_room(service: Service, video_id: str, activity: str) -> None:
    """Return once a step of that name was refused for want of room, and is to be tried again."""

    async def refused() -> list[Row]:
        steps = (await service.steps_by_id(video_id)).values()
        return [step for step in steps if step["activity"] == activity and (step["last_failure"] or {}).get("code")]

    found = (await eventually(refused, bool, within_seconds=90))[0]
    assert found["last_failure"]["code"] == "storage_failed", found
    assert found["state"] in {"retrying", "running", "scheduled"}, found


async def shorten(service: Service, video_id: str, activity: str, *, seconds: float) -> None:
    """Let the step have no more time than that in all, instead of days, as an operator may."""
    client = await Client.connect(service.run.temporal)
    request = UpdateActivityOptionsRequest(namespace=client.namespace, type=activity)
    request.execution.workflow_id = workflow_id(video_id)
    request.activity_options.schedule_to_close_timeout.FromMilliseconds(round(1000 * seconds))
    request.update_mask.paths.append("schedule_to_close_timeout")
    await client.workflow_service.update_activity_options(request)


async def test_a_disk_that_fills_up_in_mid_upload_is_told_and_keeps_no_part(
    on_small_disks: Service, uploads_disk: SmallDisk, clips: Clips
) -> None:
    before = uploads_disk.files()
    form = on_small_disks.http.build_request(
        "POST", "/api/v1/videos/upload", files={"file": ("a.mp4", noise(6 * MEBIBYTE))}
    )
    body, media_type = form.read(), {"Content-Type": form.headers["content-type"]}

    async def arrived() -> bool:
        return uploads_disk.files() != before

    with ExitStack() as others:

        async def while_others_fill_the_disk() -> AsyncIterator[bytes]:
            yield body[: 3 * MEBIBYTE]
            await eventually(arrived, bool, within_seconds=30)
            others.enter_context(uploads_disk.full())
            yield body[3 * MEBIBYTE :]

        answer = await on_small_disks.http.post(
            "/api/v1/videos/upload", content=while_others_fill_the_disk(), headers=media_type
        )
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_failed")
        assert "the disk is full" in answer.json()["detail"]
        assert uploads_disk.files() == before
    rows = (await on_small_disks.http.get("/api/v1/videos?limit=1")).json()["items"]
    assert (rows[0]["status"], rows[0]["error_code"]) == ("error", "upload_interrupted")
    again = await on_small_disks.upload(clips.path(Clip.SHORT_WITH_SOUND))
    assert (await on_small_disks.ended(again))["status"] == "ready"


async def test_a_stack_whose_only_disk_is_full_takes_a_delete_and_goes_on(tmp_path: Path, clips: Clips) -> None:
    with mounted_or_skipped(tmp_path / "disk", 400) as disk:
        home = with_everything_allowed(disk.folder / "stack").with_settings(RUSHES_SPARE_BYTES="0")
        async with serving(home) as service:
            video_id = await service.upload(clips.path(Clip.SHORT_WITH_SOUND))
            await service.ended(video_id)
            await service.closed(video_id)
            with disk.full():

                async def deleted() -> bool:
                    return (await service.http.delete(f"/api/v1/videos/{video_id}")).status_code in {204, 404}

                async def left() -> list[str]:
                    return await service.stored_of(video_id)

                await eventually(deleted, bool, within_seconds=60)
                await eventually(left, lambda files: files == [], within_seconds=60)
                another = await service.upload(clips.path(Clip.SHORT_WITH_SOUND))
                assert (await service.ended(another))["status"] == "ready"


async def test_an_upload_by_tus_goes_on_where_the_disk_was_full(
    on_small_disks: Service, uploads_disk: SmallDisk, clips: Clips
) -> None:
    http, content = on_small_disks.http, await asyncio.to_thread(clips.path(Clip.SHORT_WITH_SOUND).read_bytes)
    name = base64.b64encode(b"clip.mp4").decode()
    declared = {"Upload-Length": str(len(content)), "Upload-Metadata": f"filename {name}"}
    url = (await http.post("/api/v1/uploads", headers={**TUS, **declared})).headers["location"]
    bytes_follow = {**TUS, "Content-Type": "application/offset+octet-stream"}
    with uploads_disk.full():
        answer = await http.patch(url, headers={**bytes_follow, "Upload-Offset": "0"}, content=content)
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_failed")
    offset = int((await http.head(url, headers=TUS)).headers["upload-offset"])
    rest = {**bytes_follow, "Upload-Offset": str(offset)}
    assert (await http.patch(url, headers=rest, content=content[offset:])).status_code == 204
    assert (await on_small_disks.ended(url.rpartition("/")[2]))["status"] == "ready"


async def test_an_encode_that_is_cut_off_in_mid_chunk_waits_for_room_and_leaves_nothing_in_scratch(
    on_small_disks: Service, scratch_disk: SmallDisk, clips: Clips
) -> None:
    def parts() -> dict[str, int]:
        """Of each chunk that is on its way, how much is written."""
        found = {}
        for path in scratch_disk.folder.rglob(".chunk-*.part"):
            with suppress(FileNotFoundError):  # finished between the two looks
                found[path.name] = path.stat().st_size
        return found

    async def written() -> list[str]:
        return [name for name, size in (await asyncio.to_thread(parts)).items() if size >= _IN_MID_CHUNK]

    async def refused() -> bool:
        step = (await on_small_disks.steps_by_id(video_id))[f"chunk-{number}-of-2"]
        return (step["last_failure"] or {}).get("code") == "storage_failed"

    async def is_there() -> bool:
        return cut_off in await asyncio.to_thread(parts)

    video_id = await on_small_disks.upload(clips.path(Clip.LONG_540P))
    cut_off = (await eventually(written, bool, within_seconds=60))[0]
    number = int(cut_off.split("-")[1])
    with scratch_disk.full():
        await eventually(refused, bool, within_seconds=60)
        await eventually(is_there, lambda there: not there)
    row = await on_small_disks.ended(video_id)
    assert row["status"] == "ready", row
    await on_small_disks.closed(video_id)
    assert await on_small_disks.work_of(video_id) == []


async def test_a_run_that_finds_no_room_for_as_long_as_it_may_wait_ends_with_the_code_and_can_be_retried(
    on_small_disks: Service, uploads_disk: SmallDisk, clips: Clips
) -> None:
    begun = time.monotonic()
    video_id = await on_small_disks.upload(clips.path(Clip.SHORT_WITH_SOUND))
    with uploads_disk.full():
        await waits_for_room(on_small_disks, video_id, "publish_files")
        # Each pause is as long as all before it together: there is time for the next attempt, and not for many.
        await shorten(on_small_disks, video_id, "publish_files", seconds=5 + 3 * (time.monotonic() - begun))
        row = await on_small_disks.ended(video_id)
        assert (row["status"], row["error_code"]) == ("error", "storage_failed"), row
        assert "the disk is full" in row["error_reason"]
    await on_small_disks.closed(video_id)
    assert await on_small_disks.work_of(video_id) == []
    assert await on_small_disks.stored_of(video_id) == [f"originals/{video_id}.mp4"]
    assert (await on_small_disks.http.post(f"/api/v1/videos/{video_id}/retry")).status_code == 202
    assert (await on_small_disks.ended(video_id))["status"] == "ready"


async def test_publishing_waits_for_room_and_shows_no_half_of_a_file(
    on_small_disks: Service, uploads_disk: SmallDisk, clips: Clips
) -> None:
    video_id = await on_small_disks.upload(clips.path(Clip.SHORT_WITH_SOUND))
    with uploads_disk.full():
        await waits_for_room(on_small_disks, video_id, "publish_files")
        published = uploads_disk.folder / "uploads" / "processed" / video_id

        async def parts() -> list[Path]:
            return await asyncio.to_thread(lambda: list(published.glob("*")))

        await eventually(parts, lambda found: found == [])
        assert (await on_small_disks.row(video_id))["status"] == "processing"
    row = await on_small_disks.ended(video_id)
    assert row["status"] == "ready", row
