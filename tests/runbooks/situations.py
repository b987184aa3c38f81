"""What each alert tells of: brought about, seen by its expression, and mended as docs/operations.md says."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import httpx

from contracts.temporal_names import ActivityId, workflow_id
from tests.fetching.receiving import receiving
from tests.fixtures.clips import Clip
from tests.runbooks.stage import Stage, say
from tests.waiting import eventually

_MEBIBYTE: Final = 1024 * 1024
_LONG_SECONDS: Final = 180.0


class LeftOut(Exception):
    """This machine has not what the situation needs; the sentence says what."""


Situation = Callable[[Stage], Awaitable[None]]


async def api_down(stage: Stage) -> None:
    """The api hangs."""
    with stage.hung("api") as pid:
        await stage.fires("RushesApiDown")
        assert "did not answer" in await stage.rushes("status", code=3)
        assert f"kill -9 {pid}" in await stage.rushes("doctor")
        assert stage.log("api").endswith("\n")
        await stage.end_process("api", pid)
        await stage.ends("RushesApiDown")
    await stage.rushes("status")


async def dependency_down(stage: Stage) -> None:
    """Temporal hangs."""
    with stage.hung("temporal") as pid:
        await stage.fires("RushesDependencyDown")
        assert f"kill -9 {pid}" in await stage.rushes("doctor", code=1)
        waiting = await stage.service.upload(stage.clips.path(Clip.SHORT_WITH_SOUND))
        assert (await stage.service.row(waiting))["status"] == "processing", "uploads wait"
        await stage.end_process("temporal", pid)
        await stage.ends("RushesDependencyDown")
    assert (await stage.service.ended(waiting, within_seconds=_LONG_SECONDS))["status"] == "ready"


async def no_worker(stage: Stage) -> None:
    """The worker hangs."""
    with stage.hung("worker") as pid:
        await stage.fires("RushesNoWorker")
        assert (await stage.rushes("status")).count("none") >= 3
        waiting = await stage.service.upload(stage.clips.path(Clip.SHORT_WITH_SOUND))
        assert "no worker serves it" in await stage.rushes("doctor")
        async with stage.one_more_worker("--queue", "video-control"), stage.one_more_worker("--queue", "video-media"):
            await stage.ends("RushesNoWorker")
            assert (await stage.service.ended(waiting, within_seconds=_LONG_SECONDS))["status"] == "ready"
        await stage.end_process("worker", pid)


async def queue_old(stage: Stage) -> None:
    """There is more to encode than slots."""
    videos = [await stage.service.upload(stage.long_clip) for _ in range(2)]
    await stage.fires("RushesQueueOld")
    system = json.loads(await stage.rushes("status", "--json"))
    ours = ("video-media", stage.service.run.pids["worker"])
    (media,) = (one for one in system["workers"] if (one["queue"], one["process"]) == ours)
    assert (media["busy_slots"], media["free_slots"]) == (1, 0)
    async with stage.one_more_worker("--queue", "video-media", "--slots", "2"):
        for video in videos:
            assert (await stage.service.ended(video, within_seconds=_LONG_SECONDS))["status"] == "ready"
        await stage.ends("RushesQueueOld")


async def video_stuck(stage: Stage) -> None:
    """A file is where the folder of published videos should be; handled live, then the history is replayed."""
    with stage.file_in_the_way(stage.uploads / "processed") as file:
        video = await stage.service.upload(stage.clips.path(Clip.SHORT_WITH_SOUND))
        run = ("--workflow-id", workflow_id(video), "--activity-id", ActivityId.PUBLISH)
        await stage.fires("RushesVideoStuck")
        assert video[:8] in await stage.rushes("list", "--status", "processing")
        told = await stage.rushes("show", video[:8])
        assert ("publish_files" in told, "a file is where a folder should be" in told) == (True, True)
        await stage.temporal("activity", "pause", *run, "--reason", "disk is being mended")
        described = await eventually(
            lambda: stage.temporal("workflow", "describe", *run[:2]), lambda told: "Paused" in told
        )
        assert ActivityId.PUBLISH in described
        assert "paused" in await stage.rushes("show", video[:8])
        more = ("--schedule-to-close-timeout", "336h", "--start-to-close-timeout", "2h")
        assert "336h" in await stage.temporal("activity", "update-options", *run, *more)
        say(f"  $ rm {file}")
        file.unlink()
        await stage.temporal("activity", "reset", *run, "--keep-paused")
        assert (await stage.service.row(video))["status"] == "processing", "it is still held"
        await stage.temporal("activity", "unpause", *run)
        assert (await stage.service.ended(video))["status"] == "ready"
    await stage.ends("RushesVideoStuck")
    assert "deterministic" in await stage.rushes("replay", video)


async def our_failures(stage: Stage) -> None:
    """Somebody has terminated runs."""
    videos = [await stage.service.upload(stage.long_clip) for _ in range(5)]
    for video in videos:
        await stage.temporal("workflow", "terminate", "--workflow-id", workflow_id(video), "--reason", "by mistake")
    await stage.fires("RushesOurFailures")
    assert videos[0][:8] in await stage.rushes("list", "--error-code", "processing_lost")
    assert "processing_lost" in await stage.rushes("show", videos[0][:8])
    for video in videos[1:]:  # one of them is enough to be encoded here
        await stage.rushes("delete", "--yes", video)
    await stage.rushes("retry", "--code", "processing_lost", "--since", "1h", "--rate", "600", "--wait")
    assert (await stage.service.ended(videos[0], within_seconds=_LONG_SECONDS))["status"] == "ready"
    await stage.ends("RushesOurFailures")


async def step_fails(stage: Stage) -> None:
    """The same file in the way, of several videos."""
    with stage.file_in_the_way(stage.uploads / "processed") as file:
        videos = [await stage.service.upload(stage.clips.path(Clip.SHORT_WITH_SOUND)) for _ in range(4)]
        await stage.fires("RushesStepFails")
        assert "(storage_failed)" in await stage.rushes("show", videos[0][:8])
        assert {(await stage.service.row(video))["status"] for video in videos} == {"processing"}, "they wait"
        say(f"  $ rm {file}")
        file.unlink()
        for video in videos:
            assert (await stage.service.ended(video, within_seconds=_LONG_SECONDS))["status"] == "ready"
    await stage.ends("RushesStepFails")


async def disk_full(stage: Stage) -> None:
    """There is little room left where the originals are."""
    if stage.small_disk:
        raise LeftOut(stage.small_disk)
    clip = stage.clips.path(Clip.SHORT_WITH_SOUND)
    film = stage.folder / "a film.mp4"
    film.write_bytes(clip.read_bytes() + (56 * _MEBIBYTE).to_bytes(4, "big") + b"free" + bytes(56 * _MEBIBYTE - 8))
    videos = [await stage.service.upload(film) for _ in range(2)]
    await stage.fires("RushesDiskFull")
    for video in videos:
        await stage.service.ended(video)
    await stage.rushes("sweep", "--dry-run")
    for video in videos:
        await stage.rushes("delete", "--yes", video)
    await stage.ends("RushesDiskFull")


async def reconciler_stands(stage: Stage) -> None:
    """It can't reach Temporal, and a video waits to be started."""
    with stage.hung("temporal") as pid:
        waiting = await stage.service.upload(stage.clips.path(Clip.SHORT_WITH_SOUND))
        await stage.fires("RushesReconcilerStands")
        assert "round postponed" in stage.log("api")
        assert f"kill -9 {pid}" in await stage.rushes("doctor", code=1)
        await stage.end_process("temporal", pid)
        await stage.ends("RushesReconcilerStands")
    assert (await stage.service.ended(waiting, within_seconds=_LONG_SECONDS))["status"] == "ready"


async def webhooks_wait(stage: Stage) -> None:
    """Nobody is where events are to go."""
    async with receiving() as receiver:
        gone = receiver.url
    webhook = (await stage.rushes("webhooks", "create", gone)).split()[0]
    await stage.service.ended(await stage.service.upload(stage.clips.path(Clip.TEXT_NAMED_MP4)))
    await stage.fires("RushesWebhooksWait")
    assert webhook in await stage.rushes("webhooks", "list")
    assert "pending" in await stage.rushes("webhooks", "deliveries", webhook, "--limit", "3")
    good = await stage.service.upload(stage.clips.path(Clip.SHORT_WITH_SOUND))
    assert (await stage.service.ended(good))["status"] == "ready", "it delays nothing else"
    await stage.rushes("webhooks", "delete", "--yes", webhook)
    await stage.ends("RushesWebhooksWait")


async def api_errors(stage: Stage) -> None:
    """Uploads can't be stored."""
    clip = stage.clips.path(Clip.SHORT_WITH_SOUND).read_bytes()

    async def sent() -> httpx.Response:
        return await stage.service.http.post("/api/v1/videos/upload", files={"file": ("a.mp4", clip)})

    with stage.file_in_the_way(stage.uploads / "originals") as file:

        async def refused_until_it_fires() -> list[Any]:
            assert (await sent()).status_code == 507
            return await stage.prometheus.ask(stage.expressions["RushesApiErrors"])

        await eventually(refused_until_it_fires, bool, within_seconds=60)
        await stage.fires("RushesApiErrors")
        request_id = (await sent()).headers["X-Request-ID"]
        lines = [line for line in stage.log("api").splitlines() if "request failed" in line and request_id in line]
        say("  $ grep 'request failed' logs/api.log | tail -1")
        say(f"  {lines[-1]}")
        assert "storage_failed" in lines[-1]
        await stage.rushes("doctor", code=1)
        say(f"  $ rm {file}")
        file.unlink()
        assert (await sent()).status_code == 202
    await stage.ends("RushesApiErrors")


SITUATIONS: Final[Mapping[str, Situation]] = {
    "RushesApiDown": api_down,
    "RushesDependencyDown": dependency_down,
    "RushesNoWorker": no_worker,
    "RushesQueueOld": queue_old,
    "RushesVideoStuck": video_stuck,
    "RushesOurFailures": our_failures,
    "RushesStepFails": step_fails,
    "RushesDiskFull": disk_full,
    "RushesReconcilerStands": reconciler_stands,
    "RushesWebhooksWait": webhooks_wait,
    "RushesApiErrors": api_errors,
}
