"""How far a video is: weighted by the work of each step, never falling. Read from what a real server tells."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.client import Client

from contracts.errors import OutputMismatch, SourceFailed, TranscodeFailed
from contracts.processing import Step, StepProgress, VideoProcessingInput
from contracts.status import StepState
from contracts.temporal_names import ActivityId, chunk_activity_id, parse_chunk_activity_id, tried_again, workflow_id
from media.plan import TranscodePlan
from runs.client import TemporalRuns
from runs.progress import progress_between_steps
from runs.records import LiveProgress, StepRecord
from tests.waiting import eventually
from tests.workflows.plans import copied_plan, encoded_plan, with_encoded_sound
from tests.workflows.running import Handle, paused
from tests.workflows.scripted import Behaviour, ScriptedActivities, first, scripted_workers
from workflows.video_processing import VideoProcessingWorkflow

COPIED = ("validate_video", "join_streams", "verify_output", "publish_files", "mark_ready")
ENCODED = (
    "validate_video",
    "chunk-1-of-2",
    "chunk-2-of-2",
    "join_streams",
    "verify_output",
    "publish_files",
    "mark_ready",
)


class Walk:
    """A run whose steps each tell half of themselves, and go on when they are let."""

    def __init__(self, client: Client, plan: TranscodePlan, *, imported: bool = False) -> None:
        self._imported = imported
        self.script = ScriptedActivities(plan)
        self.runs = TemporalRuns(client)
        self.video_id = str(uuid4())
        self._client = client

    def half_way(self, name: str, fraction: float = 0.5, speed: float | None = None) -> Behaviour:
        async def tell(_call: int) -> None:
            released = asyncio.create_task(self.script.begun(f"after {name}"))
            while not released.done():
                activity.heartbeat(StepProgress(fraction, speed))
                await asyncio.wait({released}, timeout=0.05)
            await released

        return tell

    @asynccontextmanager
    async def under_way(self) -> AsyncIterator[None]:
        original_key = f"originals/{self.video_id}.mp4"
        request = VideoProcessingInput(self.video_id, "local", original_key, imported=self._imported)
        async with scripted_workers(self._client, self.script):
            await self.runs.start(request, "a.mp4")
            yield

    def handle(self) -> Handle:
        return self._client.get_workflow_handle_for(VideoProcessingWorkflow.run, workflow_id(self.video_id))

    async def done(self) -> None:
        async with asyncio.timeout(20):
            await self.handle().result()

    async def told(self, at_least: float) -> LiveProgress:
        """What is told, as soon as it is so much."""

        async def ask() -> LiveProgress | None:
            # A client of its own has told nothing before, and looks each time.
            return await TemporalRuns(self._client).progress(self.video_id)

        found = await eventually(ask, lambda progress: progress is not None and progress.fraction >= at_least)
        assert found is not None
        return found


@pytest.mark.parametrize(
    ("plan", "steps", "expected"),
    [
        pytest.param(
            copied_plan(),
            COPIED,
            [
                (Step.VALIDATE, 0.015),
                (Step.JOIN, 0.575),
                (Step.VERIFY, 0.85),
                (Step.PUBLISH, 0.985),
                (Step.FINISH, 0.99),
            ],
            id="copied",
        ),
        pytest.param(
            with_encoded_sound(copied_plan()),
            ("validate_video", "encode_sound", "join_streams"),
            [(Step.VALIDATE, 0.015), (Step.TRANSCODE, 0.3), (Step.JOIN, 0.575)],
            id="copied picture, encoded sound",
        ),
        pytest.param(
            encoded_plan(2),
            ENCODED,
            [
                (Step.VALIDATE, 0.015),
                (Step.TRANSCODE, 0.485),
                (Step.TRANSCODE, 0.7125),
                (Step.JOIN, 0.95),
                (Step.VERIFY, 0.97),
                (Step.PUBLISH, 0.985),
                (Step.FINISH, 0.99),
            ],
            id="encoded",
        ),
    ],
)
async def test_each_step_is_as_much_of_the_way_as_it_is_of_the_work(
    temporal_client: Client, plan: TranscodePlan, steps: Sequence[str], expected: Sequence[tuple[Step, float]]
) -> None:
    walk = Walk(temporal_client, plan)
    for step in steps:
        # mark_ready sends no heartbeats.
        walk.script.behaviours[step] = (
            walk.half_way(step) if step != "mark_ready" else lambda _call: walk.script.begun("after mark_ready")
        )
    seen = []
    async with walk.under_way():
        for step, (_, fraction) in zip(steps, expected, strict=True):
            await walk.script.begun(step)
            told = await walk.told(fraction)
            seen.append((told.step, told.fraction))
            walk.script.release(f"after {step}")
        await walk.done()
    assert seen == list(expected)


async def test_of_an_import_the_fetch_is_a_part_of_the_way(temporal_client: Client) -> None:
    walk = Walk(temporal_client, copied_plan(), imported=True)
    steps = ("fetch_original", "validate_video", "join_streams")
    for step in steps:
        walk.script.behaviours[step] = walk.half_way(step)
    seen = []
    async with walk.under_way():
        for step, fraction in zip(steps, (0.15, 0.3105, 0.7025), strict=True):
            await walk.script.begun(step)
            told = await walk.told(fraction)
            seen.append((told.step, told.fraction))
            walk.script.release(f"after {step}")
        await walk.done()
    assert seen == [(Step.FETCH, 0.15), (Step.VALIDATE, 0.3105), (Step.JOIN, 0.7025)]


async def test_an_import_that_is_tried_again_is_told_as_a_fetch_also_between_two_tries(temporal_client: Client) -> None:
    walk = Walk(temporal_client, copied_plan(), imported=True)

    async def fail(_call: int) -> None:
        raise SourceFailed("The server went away.")

    walk.script.behaviours["fetch_original"] = fail
    async with walk.under_way():
        told = await eventually(
            lambda: TemporalRuns(temporal_client).progress(walk.video_id),
            lambda live: live is not None and live.attempt > 1,
        )
        await walk.handle().terminate()
    assert told is not None
    assert (told.step, told.fraction, told.failure) == (Step.FETCH, 0.0, "The server went away.")


async def test_chunks_that_are_encoded_at_once_add_up_and_tell_their_speed_together(temporal_client: Client) -> None:
    walk = Walk(temporal_client, encoded_plan(4))
    for number, fraction in ((2, 0.5), (3, 0.25), (4, 0.0)):
        walk.script.behaviours[f"chunk-{number}-of-4"] = walk.half_way("the chunks", fraction, speed=1.5)
    expected = round(0.03 + 0.91 * 1.75 / 4, 4)
    async with walk.under_way():
        told = await eventually(
            lambda: TemporalRuns(temporal_client).progress(walk.video_id),
            lambda live: live is not None and (live.fraction, live.speed) == (expected, 4.5),
        )
        walk.script.release("after the chunks")
        await walk.done()
    assert told is not None
    assert (told.step, told.attempt, len(told.workers)) == (Step.TRANSCODE, 1, 1)
    assert told.begun_at is not None


async def test_a_thumbnail_that_takes_long_is_not_taken_for_where_the_run_is(temporal_client: Client) -> None:
    walk = Walk(temporal_client, copied_plan())
    walk.script.behaviours["create_thumbnail"] = walk.half_way("create_thumbnail")
    walk.script.behaviours["join_streams"] = walk.half_way("join_streams")
    async with walk.under_way():
        joining = await walk.told(0.5)
        walk.script.release("after join_streams")
        waiting = await walk.told(0.9)
        walk.script.release("after create_thumbnail")
        await walk.done()
    assert (joining.step, joining.fraction) == (Step.JOIN, 0.575)
    assert (waiting.step, waiting.fraction) == (Step.VERIFY, 0.95)


async def test_what_was_told_is_never_taken_back_when_a_step_begins_anew(temporal_client: Client) -> None:
    """A chunk that failed near its end, then an output that has to be made anew, for which the sound is encoded."""
    walk = Walk(temporal_client, encoded_plan(1))

    async def fail_near_the_end_once(call: int) -> None:
        if call == 1:
            await walk.half_way("the first try", 0.9)(call)
            raise TranscodeFailed("it crashed")
        await walk.half_way("the second try", 0.1)(call)

    walk.script.behaviours["encode_chunk"] = fail_near_the_end_once
    walk.script.behaviours["verify_output"] = first(1, OutputMismatch("the packets differ"))
    walk.script.behaviours["encode_sound"] = walk.half_way("encode_sound", 0.0)
    seen: list[float] = []

    async def watch() -> None:
        while (progress := await walk.runs.progress(walk.video_id)) is not None:
            seen.append(progress.fraction)
            await asyncio.sleep(0.02)

    async with walk.under_way():
        watching = asyncio.create_task(watch())
        await walk.told(0.8)
        walk.script.release("after the first try")
        await eventually(lambda: _calls(walk, "chunk-1-of-1"), lambda calls: calls == 2)
        again = await walk.told(0.03)
        assert again.fraction < 0.2, "by itself, the second try is far from the end"
        walk.script.release("after the second try")
        await walk.script.begun("encode_sound")
        walk.script.release("after encode_sound")
        await walk.done()
        await watching
    assert seen == sorted(seen)
    assert await walk.runs.progress(walk.video_id) is None


async def test_a_chunk_that_is_paused_for_is_not_taken_for_done(temporal_client: Client) -> None:
    """Nothing else is pending then but the sound and the thumbnail, which are nearly no work."""
    walk = Walk(temporal_client, encoded_plan(1, encoded_sound=True))
    walk.script.behaviours["encode_chunk"] = first(1, TranscodeFailed("it crashed"))
    walk.script.behaviours["encode_sound"] = walk.half_way("encode_sound")
    async with walk.under_way():
        handle = walk.handle()
        await walk.script.begun("encode_sound")
        await paused(handle)
        told = await walk.told(0.0)
        walk.script.release("after encode_sound")
        await walk.done()
    assert told.fraction < 0.1


async def _calls(walk: Walk, name: str) -> int:
    return walk.script.calls.count(name)


def record(activity_id: str, state: StepState = StepState.COMPLETED) -> StepRecord:
    return StepRecord(
        activity="", activity_id=activity_id, summary="", state=state, attempts=1, queue="",
        scheduled_at=datetime.now(UTC), started_at=None, duration_seconds=None, worker=None, last_failure=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        ([], (Step.VALIDATE, 0.0)),
        (["claim"], (Step.VALIDATE, 0.0)),
        (["claim", "fetch"], (Step.VALIDATE, 0.0)),
        (["claim", "fetch", "validate"], (Step.VALIDATE, 0.03)),
        (["claim", "validate"], (Step.VALIDATE, 0.03)),
        (["validate", "chunk-1-of-4", "chunk-3-of-4.2"], (Step.TRANSCODE, 0.485)),
        (["validate", "thumbnail", "chunk-1-of-4"], (Step.TRANSCODE, 0.2575)),
        (["validate", "sound", "thumbnail", "chunk-1-of-4", "chunk-1-of-4.2"], (Step.TRANSCODE, 0.2575)),
        (["validate", "chunk-1-of-1", "join.2"], (Step.JOIN, 0.96)),
        (["validate", "thumbnail-of-copy"], (Step.VALIDATE, 0.03)),
        (["validate", "thumbnail-of-copy", "copy"], (Step.JOIN, 0.75)),
        (["validate", "copy", "verify-of-copy.3"], (Step.VERIFY, 0.95)),
    ],
)
def test_between_two_steps_the_last_that_was_done_tells(done: Sequence[str], expected: tuple[Step, float]) -> None:
    told = progress_between_steps([*map(record, done), record("publish", StepState.FAILED)])
    assert (told.step, told.fraction) == expected


@pytest.mark.parametrize("number", [1, 2, 13])
def test_the_id_of_a_chunk_is_read_back_however_often_it_was_asked_for(number: int) -> None:
    assert parse_chunk_activity_id(tried_again(chunk_activity_id(7, 240), number)) == (7, 240)


@pytest.mark.parametrize(
    "other",
    [ActivityId.CLAIM, ActivityId.SOUND, "chunk-1-of-", "chunk-1-of-2.", "chunk-1-of-2.x", "a-chunk-1-of-2", "1"],
)
def test_other_ids_are_no_chunks(other: str) -> None:
    assert parse_chunk_activity_id(other) is None
