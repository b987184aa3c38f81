"""Every path of the workflow, on the time-skipping server: hours of retries pass in milliseconds."""

import asyncio
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError
from temporalio.testing import WorkflowEnvironment

from activities.mark_error import MarkErrorInput
from activities.mark_ready import MarkReadyInput
from contracts.errors import (
    DatabaseUnavailable,
    ErrorCode,
    InvalidMedia,
    LimitExceeded,
    NoVideoStream,
    OriginalMissing,
    OutputMismatch,
    StatusConflict,
    StorageFailed,
    TranscodeFailed,
    UnsupportedCodec,
    VideoError,
)
from contracts.processing import Step, VideoProcessingInput, VideoProcessingResult, VideoProgress
from contracts.status import VideoStatus
from contracts.temporal_names import CONTROL_QUEUE, workflow_id
from tests.workflows.scripted import Behaviour, ScriptedActivities, hang_with_heartbeats, scripted_workers
from workflows.video_processing import VideoProcessingWorkflow

Handle = WorkflowHandle[VideoProcessingWorkflow, VideoProcessingResult]

STEPS_IN_ORDER = ["validate_video", "transcode_video", "verify_output", "publish_files", "mark_ready", "clean_scratch"]


@pytest.fixture
def script() -> ScriptedActivities:
    return ScriptedActivities()


async def start(client: Client) -> Handle:
    video_id = str(uuid4())
    return await client.start_workflow(
        VideoProcessingWorkflow.run,
        VideoProcessingInput(video_id=video_id, user_id="local", original_key=f"originals/{video_id}.mp4", attempt=3),
        id=workflow_id(video_id),
        task_queue=CONTROL_QUEUE,
    )


def always(error: VideoError) -> Behaviour:
    async def fail(_call: int) -> None:
        raise error

    return fail


def first(times: int, error: VideoError) -> Behaviour:
    async def fail_then_pass(call: int) -> None:
        if call <= times:
            raise error

    return fail_then_pass


def without_thumbnail(calls: list[str]) -> list[str]:
    return [call for call in calls if call != "create_thumbnail"]


async def failure_of(handle: Handle) -> BaseException:
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    return caught.value.cause


async def test_a_good_video_goes_through_every_step_once_and_in_order(
    time_skipping: WorkflowEnvironment, script: ScriptedActivities
) -> None:
    async with scripted_workers(time_skipping.client, script):
        result = await (await start(time_skipping.client)).result()
    assert without_thumbnail(script.calls) == STEPS_IN_ORDER
    assert script.calls.count("create_thumbnail") == 1
    assert script.calls.index("create_thumbnail") < script.calls.index("verify_output")
    assert result.size_bytes == 900_000
    ready = script.inputs["mark_ready"]
    assert isinstance(ready, MarkReadyInput)
    assert (ready.attempt, ready.duration_seconds, ready.width, ready.height) == (3, 10.0, 1280, 720)


@pytest.mark.parametrize(
    "error",
    [
        InvalidMedia("no"),
        NoVideoStream("no"),
        UnsupportedCodec("no"),
        LimitExceeded("no"),
        OriginalMissing("no"),
    ],
    ids=lambda error: error.code,
)
async def test_a_file_at_fault_ends_in_its_code_after_one_attempt(
    time_skipping: WorkflowEnvironment, script: ScriptedActivities, error: VideoError
) -> None:
    script.behaviours["validate_video"] = always(error)
    async with scripted_workers(time_skipping.client, script):
        failure = await failure_of(await start(time_skipping.client))
    assert script.calls == ["validate_video", "mark_error", "clean_scratch"]
    marked = script.inputs["mark_error"]
    assert isinstance(marked, MarkErrorInput)
    assert (marked.error_code, marked.error_reason, marked.attempt) == (error.code, "no", 3)
    assert isinstance(failure, ActivityError)
    assert isinstance(failure.cause, ApplicationError)
    assert failure.cause.type == error.code


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("validate_video", StorageFailed("the share is away")),
        ("transcode_video", TranscodeFailed("killed")),
        ("create_thumbnail", TranscodeFailed("killed")),
        ("verify_output", OutputMismatch("short")),
        ("publish_files", StorageFailed("disk full")),
        ("mark_ready", DatabaseUnavailable("away")),
        ("clean_scratch", StorageFailed("busy")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_may_pass_is_tried_again_and_the_video_becomes_ready(
    time_skipping: WorkflowEnvironment, script: ScriptedActivities, name: str, error: VideoError
) -> None:
    script.behaviours[name] = first(3, error)
    async with scripted_workers(time_skipping.client, script):
        await (await start(time_skipping.client)).result()
    assert script.calls.count(name) == 4
    assert "mark_error" not in script.calls


@pytest.mark.parametrize("name", ["validate_video", "transcode_video", "create_thumbnail", "verify_output"])
async def test_ffmpeg_is_given_up_after_five_attempts_and_nothing_is_published(
    time_skipping: WorkflowEnvironment, script: ScriptedActivities, name: str
) -> None:
    script.behaviours[name] = always(TranscodeFailed("it crashed"))
    async with scripted_workers(time_skipping.client, script):
        await failure_of(await start(time_skipping.client))
    assert script.calls.count(name) == 5
    assert "publish_files" not in script.calls
    assert script.calls[-2:] == ["mark_error", "clean_scratch"]
    marked = script.inputs["mark_error"]
    assert isinstance(marked, MarkErrorInput)
    assert (marked.error_code, marked.error_reason) == (ErrorCode.TRANSCODE_FAILED, "it crashed")


async def test_mark_ready_outlasts_a_database_that_is_down_for_an_hour(
    time_skipping: WorkflowEnvironment, script: ScriptedActivities
) -> None:
    back_at: list[float] = []

    async def down_for_an_hour(_call: int) -> None:
        now = (await time_skipping.get_current_time()).timestamp()
        back_at.append(back_at[0] if back_at else now + 3600)
        if now < back_at[0]:
            raise DatabaseUnavailable("PostgreSQL does not answer")

    script.behaviours["mark_ready"] = down_for_an_hour
    async with scripted_workers(time_skipping.client, script):
        await (await start(time_skipping.client)).result()
    assert script.calls.count("mark_ready") > 60
    assert "mark_error" not in script.calls
    assert "withdraw_files" not in script.calls


async def test_mark_error_outlasts_a_database_that_is_down_for_an_hour(
    time_skipping: WorkflowEnvironment, script: ScriptedActivities
) -> None:
    script.behaviours["validate_video"] = always(InvalidMedia("not a video"))
    script.behaviours["mark_error"] = first(65, DatabaseUnavailable("away"))
    async with scripted_workers(time_skipping.client, script):
        await failure_of(await start(time_skipping.client))
    assert script.calls.count("mark_error") == 66
    assert script.calls[-1] == "clean_scratch"


async def test_a_failed_thumbnail_stops_the_transcode_before_scratch_is_cleaned(
    time_skipping: WorkflowEnvironment, script: ScriptedActivities
) -> None:
    async def fail_beside_the_transcode(_call: int) -> None:
        await script.begun("transcode_video")
        raise InvalidMedia("no frame")

    script.behaviours["transcode_video"] = hang_with_heartbeats
    script.behaviours["create_thumbnail"] = fail_beside_the_transcode
    async with scripted_workers(time_skipping.client, script):
        await failure_of(await start(time_skipping.client))
    assert script.ended == ["validate_video", "create_thumbnail", "transcode_video", "mark_error", "clean_scratch"]


async def test_a_row_that_was_deleted_meanwhile_takes_back_what_was_published(
    time_skipping: WorkflowEnvironment, script: ScriptedActivities
) -> None:
    script.behaviours["mark_ready"] = always(StatusConflict("The row is gone."))
    script.row_status = None
    async with scripted_workers(time_skipping.client, script):
        await failure_of(await start(time_skipping.client))
    assert script.calls[-4:] == ["mark_ready", "mark_error", "withdraw_files", "clean_scratch"]


async def test_a_row_that_is_ready_after_all_keeps_its_files(
    time_skipping: WorkflowEnvironment, script: ScriptedActivities
) -> None:
    script.behaviours["mark_ready"] = always(StatusConflict("lost answer"))
    script.row_status = VideoStatus.READY
    async with scripted_workers(time_skipping.client, script):
        await failure_of(await start(time_skipping.client))
    assert "withdraw_files" not in script.calls


async def test_scratch_that_cannot_be_cleaned_does_not_change_the_fate_of_a_ready_video(
    time_skipping: WorkflowEnvironment, script: ScriptedActivities
) -> None:
    script.behaviours["clean_scratch"] = always(StorageFailed("busy"))
    async with scripted_workers(time_skipping.client, script):
        await (await start(time_skipping.client)).result()
    assert "mark_error" not in script.calls


@pytest.mark.parametrize(
    "name",
    ["validate_video", "transcode_video", "create_thumbnail", "verify_output", "publish_files", "mark_ready"],
)
async def test_a_cancel_at_any_step_ends_in_cancelled_with_clean_scratch(
    temporal_client: Client, script: ScriptedActivities, name: str
) -> None:
    # On the dev server: the time-skipping one does not tell activities of a cancel through heartbeats in time.
    script.behaviours[name] = hang_with_heartbeats
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client)
        await script.begun(name)
        await handle.cancel()
        assert isinstance(await failure_of(handle), CancelledError)
    marked = script.inputs["mark_error"]
    assert isinstance(marked, MarkErrorInput)
    assert marked.error_code is ErrorCode.CANCELLED
    assert script.calls[-1] == "clean_scratch"
    published = name in ("publish_files", "mark_ready")
    assert ("withdraw_files" in script.calls) is published
    assert script.ended.index(name) < script.ended.index("mark_error")


async def test_a_query_tells_the_step_that_runs(temporal_client: Client, script: ScriptedActivities) -> None:
    script.behaviours["verify_output"] = hang_with_heartbeats
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client)
        await script.begun("verify_output")
        progress = await handle.query(VideoProcessingWorkflow.progress)
        await handle.cancel()
        await failure_of(handle)
    assert progress == VideoProgress(step=Step.VERIFY, steps_done=2, steps_total=5, attempt=3)


async def test_a_cancel_while_an_error_is_written_changes_neither_the_code_nor_the_clean_up(
    temporal_client: Client, script: ScriptedActivities
) -> None:
    cancelled = asyncio.Event()

    async def until_cancelled(_call: int) -> None:
        await cancelled.wait()

    script.behaviours["validate_video"] = always(InvalidMedia("not a video"))
    script.behaviours["mark_error"] = until_cancelled
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client)
        await script.begun("mark_error")
        await handle.cancel()
        cancelled.set()
        failure = await failure_of(handle)
    assert isinstance(failure, ActivityError)
    assert isinstance(failure.cause, ApplicationError)
    assert failure.cause.type == ErrorCode.INVALID_MEDIA
    assert script.calls == ["validate_video", "mark_error", "clean_scratch"]


async def test_a_cancel_while_scratch_is_cleaned_leaves_the_video_ready_and_scratch_clean(
    temporal_client: Client, script: ScriptedActivities
) -> None:
    cancelled = asyncio.Event()

    async def busy_until_cancelled(call: int) -> None:
        await cancelled.wait()
        if call == 1:
            raise StorageFailed("busy")

    script.behaviours["clean_scratch"] = busy_until_cancelled
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client)
        await script.begun("clean_scratch")
        await handle.cancel()
        cancelled.set()
        await handle.result()
    assert script.calls.count("clean_scratch") == 2
    assert "mark_error" not in script.calls
