"""A cancel ends in ``cancelled``, whenever it comes and whatever the step makes of it.

On a dev server: a time-skipping one does not tell activities of a cancel through heartbeats in time.
"""

import pytest
from temporalio.client import Client
from temporalio.exceptions import CancelledError

from contracts.errors import (
    DatabaseUnavailable,
    ErrorCode,
    InvalidMedia,
    StorageFailed,
    TranscodeFailed,
    VideoCancelled,
)
from contracts.search_attributes import VIDEO_ERROR_CODE, VIDEO_STATUS
from contracts.status import VideoStatus
from tests.workflows.impatience import Impatient
from tests.workflows.plans import encoded_plan
from tests.workflows.running import Handle, code_of, failure_of, marked_code, paused, start
from tests.workflows.scripted import (
    ScriptedActivities,
    always,
    control_worker,
    first,
    hang_silently,
    hang_with_heartbeats,
    media_worker,
    scripted_workers,
)

STEPS = (
    "claim_video",
    "validate_video",
    "encode_chunk",
    "encode_sound",
    "create_thumbnail",
    "join_streams",
    "verify_output",
    "publish_files",
    "mark_ready",
)
BEAT = tuple(step for step in STEPS if step not in ("claim_video", "mark_ready"))
"""Steps that send heartbeats, and so hear of a cancel."""


@pytest.fixture
def script() -> ScriptedActivities:
    """A video that goes through every step."""
    return ScriptedActivities(encoded_plan(2, encoded_sound=True))


async def assert_cancelled(script: ScriptedActivities, handle: Handle, step: str) -> None:
    assert isinstance(await failure_of(handle), CancelledError)
    assert marked_code(script) is ErrorCode.CANCELLED
    assert script.calls[-1] == "clean_scratch"
    assert script.calls.count("mark_error") == script.calls.count("clean_scratch") == 1
    assert ("withdraw_files" in script.calls) is (step in ("publish_files", "mark_ready"))


@pytest.mark.parametrize("step", BEAT)
async def test_a_cancel_stops_the_step_before_the_row_is_written(
    temporal_client: Client, script: ScriptedActivities, step: str
) -> None:
    script.behaviours[step] = hang_with_heartbeats
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client)
        await script.begun(step)
        await handle.cancel()
        await assert_cancelled(script, handle, step)
    assert set(script.ended[-script.calls[::-1].index("mark_error") - 1 :]) <= {
        "mark_error",
        "withdraw_files",
        "clean_scratch",
    }


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_that_completes_all_the_same_does_not_swallow_the_cancel(
    temporal_client: Client, script: ScriptedActivities, step: str
) -> None:
    script.behaviours[step] = lambda _call: script.begun("cancel accepted")
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client)
        await script.begun(step)
        await handle.cancel()
        script.release("cancel accepted")
        await assert_cancelled(script, handle, step)
    following = STEPS[STEPS.index(step) + 1 :] if step in ("claim_video", "validate_video") else STEPS[-2:]
    assert not [call for call in script.calls[script.calls.index(_called(script, step)) + 1 :] if call in following]


def _called(script: ScriptedActivities, step: str) -> str:
    return next(call for call in script.calls if call == step or (step == "encode_chunk" and call.startswith("chunk-")))


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_that_fails_all_the_same_does_not_swallow_the_cancel(
    temporal_client: Client, script: ScriptedActivities, step: str
) -> None:
    async def fail_after_the_cancel(_call: int) -> None:
        await script.begun("cancel accepted")
        raise TranscodeFailed("its program was killed")

    script.behaviours[step] = fail_after_the_cancel
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client)
        await script.begun(step)
        await handle.cancel()
        script.release("cancel accepted")
        await assert_cancelled(script, handle, step)


@pytest.mark.parametrize("step", BEAT)
async def test_a_cancel_whose_worker_is_dead_is_no_timeout(
    temporal_client: Client, script: ScriptedActivities, step: str
) -> None:
    script.behaviours[step] = hang_silently
    async with scripted_workers(temporal_client, script, [Impatient()]):
        handle = await start(temporal_client)
        await script.begun(step)
        await handle.cancel()
        await assert_cancelled(script, handle, step)


async def test_a_cancel_whose_worker_stops_is_no_failure(temporal_client: Client, script: ScriptedActivities) -> None:
    script.behaviours["validate_video"] = hang_silently
    async with control_worker(temporal_client, script):
        async with media_worker(temporal_client, script):
            handle = await start(temporal_client)
            await script.begun("validate_video")
            await handle.cancel()
        await assert_cancelled(script, handle, "validate_video")


async def test_a_cancel_while_a_failure_is_paused_for_is_not_waited_with(
    temporal_client: Client, script: ScriptedActivities
) -> None:
    script.behaviours["chunk-1-of-2"] = always(TranscodeFailed("it crashed"))
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client)
        # Nobody waits for the result yet, so the pause takes as long as it does.
        await script.begun("chunk-1-of-2")
        await paused(handle)
        await handle.cancel()
        await assert_cancelled(script, handle, "encode_chunk")
    assert script.calls.count("chunk-1-of-2") == 1


@pytest.mark.parametrize("step", ["claim_video", "mark_ready"])
async def test_a_cancel_that_only_the_row_knows_of_ends_in_cancelled(
    temporal_client: Client, script: ScriptedActivities, step: str
) -> None:
    script.behaviours[step] = always(VideoCancelled("The video was cancelled."))
    async with scripted_workers(temporal_client, script):
        assert await code_of(await start(temporal_client)) == ErrorCode.CANCELLED
    ending = ["mark_error", *(["withdraw_files"] if step == "mark_ready" else []), "clean_scratch"]
    assert script.calls[-len(ending) - 1 :] == [step, *ending]
    assert marked_code(script) is ErrorCode.CANCELLED


async def test_a_cancel_that_comes_when_the_row_is_ready_takes_nothing_back(
    temporal_client: Client, script: ScriptedActivities
) -> None:
    script.behaviours["mark_ready"] = lambda _call: script.begun("cancel accepted")
    script.row_status = VideoStatus.READY
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client)
        await script.begun("mark_ready")
        await handle.cancel()
        script.release("cancel accepted")
        await failure_of(handle)
    assert "withdraw_files" not in script.calls
    found = (await handle.describe()).typed_search_attributes
    assert found[VIDEO_STATUS] == "ready"
    assert found.get(VIDEO_ERROR_CODE) is None


async def test_a_cancel_while_an_error_is_written_changes_neither_the_code_nor_the_clean_up(
    temporal_client: Client, script: ScriptedActivities
) -> None:
    async def away_until_cancelled(call: int) -> None:
        await script.begun("cancel accepted")
        await first(1, DatabaseUnavailable("away"))(call)

    script.behaviours["validate_video"] = always(InvalidMedia("not a video"))
    script.behaviours["mark_error"] = away_until_cancelled
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client)
        await script.begun("mark_error")
        await handle.cancel()
        script.release("cancel accepted")
        assert await code_of(handle) == ErrorCode.INVALID_MEDIA
    assert script.calls == ["claim_video", "validate_video", "mark_error", "mark_error", "clean_scratch"]


async def test_a_cancel_while_scratch_is_cleaned_leaves_the_video_ready_and_scratch_clean(
    temporal_client: Client, script: ScriptedActivities
) -> None:
    async def busy_until_cancelled(call: int) -> None:
        await script.begun("cancel accepted")
        await first(1, StorageFailed("busy"))(call)

    script.behaviours["clean_scratch"] = busy_until_cancelled
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client)
        await script.begun("clean_scratch")
        await handle.cancel()
        script.release("cancel accepted")
        await handle.result()
    assert script.calls.count("clean_scratch") == 2
    assert "mark_error" not in script.calls
