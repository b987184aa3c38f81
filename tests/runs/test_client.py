"""What the api and the command line may rely on when they speak with runs."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import PauseActivityRequest, UnpauseActivityRequest
from temporalio.client import Client

from contracts.errors import StorageFailed
from contracts.search_attributes import USER_ID, VIDEO_STATUS
from contracts.status import StepState
from contracts.temporal_names import CONTROL_QUEUE, MEDIA_QUEUE, workflow_id
from contracts.webhooks import WEBHOOK_QUEUE
from runs.client import TemporalRuns
from runs.records import NewestRun, RunStillOpen, StepRecord
from tests.runs.asked_for import a_request
from tests.waiting import eventually
from tests.workflows.plans import encoded_plan
from tests.workflows.scripted import ScriptedActivities, hang_with_heartbeats, scripted_workers


@pytest.fixture
def script() -> ScriptedActivities:
    return ScriptedActivities(encoded_plan(2, encoded_sound=True))


async def closed(client: Client, video_id: str) -> None:
    async with asyncio.timeout(20):
        await asyncio.gather(client.get_workflow_handle(workflow_id(video_id)).result(), return_exceptions=True)


async def test_starting_an_attempt_again_changes_nothing(
    temporal_client: Client, runs: TemporalRuns, script: ScriptedActivities
) -> None:
    request = a_request()
    async with scripted_workers(temporal_client, script):
        await asyncio.gather(*(runs.start(request, "a.mp4") for _ in range(5)))
        await closed(temporal_client, request.video_id)
        await runs.start(request, "a.mp4")
        listed = [run async for run in temporal_client.list_workflows(f"WorkflowId = 'video-{request.video_id}'")]
        assert script.calls.count("validate_video") == 1
        assert len(listed) <= 1


async def test_a_run_can_be_found_by_status_and_user_and_says_what_it_is(
    temporal_client: Client, runs: TemporalRuns, script: ScriptedActivities
) -> None:
    request = a_request()
    async with scripted_workers(temporal_client, script):
        await runs.start(request, "holiday.mp4")
        await closed(temporal_client, request.video_id)
    description = await temporal_client.get_workflow_handle(workflow_id(request.video_id)).describe()
    assert description.typed_search_attributes[VIDEO_STATUS] == "ready"
    assert description.typed_search_attributes[USER_ID] == "local"
    assert await description.static_summary() == "holiday.mp4"


async def test_a_retry_waits_for_the_last_run_to_close(
    temporal_client: Client, runs: TemporalRuns, script: ScriptedActivities
) -> None:
    request = a_request()
    release = asyncio.Event()

    async def slow_first_time(call: int) -> None:
        if call == 1:
            await release.wait()

    script.behaviours["clean_scratch"] = slow_first_time
    async with scripted_workers(temporal_client, script):
        await runs.start(request, "a.mp4")
        await script.begun("clean_scratch")
        retry = asyncio.create_task(runs.start(replace(request, attempt=2), "a.mp4"))
        release.set()
        await retry
        await closed(temporal_client, request.video_id)
    assert await runs.newest_run(request.video_id) == NewestRun(attempt=2, is_open=False, is_completed=True)
    assert script.calls.count("mark_ready") == 2


async def test_a_retry_is_refused_while_the_last_run_stays_open(
    temporal_client: Client, runs: TemporalRuns, script: ScriptedActivities
) -> None:
    request = a_request()
    script.behaviours["encode_chunk"] = hang_with_heartbeats
    async with scripted_workers(temporal_client, script):
        await runs.start(request, "a.mp4")
        with pytest.raises(RunStillOpen):
            await runs.start(replace(request, attempt=2), "a.mp4")
        assert await runs.newest_run(request.video_id) == NewestRun(attempt=1, is_open=True)
        await runs.cancel(request.video_id)
        await closed(temporal_client, request.video_id)


async def test_cancelling_says_whether_a_run_was_open(
    temporal_client: Client, runs: TemporalRuns, script: ScriptedActivities
) -> None:
    request = a_request()
    script.behaviours["encode_chunk"] = hang_with_heartbeats
    assert await runs.cancel(request.video_id) is False
    async with scripted_workers(temporal_client, script):
        await runs.start(request, "a.mp4")
        await script.begun("encode_chunk")
        assert await runs.cancel(request.video_id) is True
        await closed(temporal_client, request.video_id)
        assert await runs.cancel(request.video_id) is False
    assert "mark_error" in script.calls


async def test_stopping_terminates_a_run_that_no_worker_ends(runs: TemporalRuns) -> None:
    request = a_request()
    await runs.start(request, "a.mp4")  # nobody works
    await runs.stop(request.video_id, within_seconds=0.2)
    assert await runs.newest_run(request.video_id) == NewestRun(attempt=1, is_open=False)
    await runs.stop(request.video_id, within_seconds=0.2)  # nothing to stop is a success


async def test_steps_tell_state_attempts_worker_and_last_failure_of_each_activity(
    temporal_client: Client, runs: TemporalRuns, script: ScriptedActivities
) -> None:
    request = a_request()

    async def disk_full_once(call: int) -> None:
        if call == 1:
            raise StorageFailed("The disk is full.")

    script.behaviours["publish_files"] = disk_full_once
    assert await runs.steps(request.video_id) == []
    async with scripted_workers(temporal_client, script):
        await runs.start(request, "a.mp4")
        await closed(temporal_client, request.video_id)
    steps = {step.activity_id: step for step in await runs.steps(request.video_id)}
    assert list(steps) == [
        *("claim", "validate", "thumbnail", "sound", "chunk-1-of-2", "chunk-2-of-2"),
        *("join", "verify", "publish", "mark-ready", "clean"),
    ]
    assert {step.state for step in steps.values()} == {StepState.COMPLETED}
    publish = steps["publish"]
    assert (publish.attempts, publish.queue, publish.worker) == (2, CONTROL_QUEUE, CONTROL_QUEUE)
    assert publish.last_failure is not None
    assert (publish.last_failure.code, publish.last_failure.message) == ("storage_failed", "The disk is full.")
    assert publish.duration_seconds is not None
    second = steps["chunk-2-of-2"]
    assert (second.activity, second.queue, second.last_failure) == ("encode_chunk", MEDIA_QUEUE, None)
    assert second.summary == "Picture from 6.0 s, 6.0 s of 1280x720"


async def test_a_step_that_an_operator_holds_is_told_as_paused_and_goes_on_when_it_is_let(
    temporal_client: Client, runs: TemporalRuns, script: ScriptedActivities
) -> None:
    request = a_request()
    publish: dict[str, Any] = {
        "namespace": temporal_client.namespace,
        "execution": WorkflowExecution(workflow_id=workflow_id(request.video_id)),
        "id": "publish",
    }

    async def hold(call: int) -> None:
        """A step that has not begun can't be held, so this one is held while it fails."""
        if call == 1:
            await temporal_client.workflow_service.pause_activity(PauseActivityRequest(**publish))
            raise StorageFailed("The disk is full.")

    async def state() -> StepState | None:
        return next((one.state for one in await runs.steps(request.video_id) if one.activity_id == "publish"), None)

    script.behaviours["publish_files"] = hold
    async with scripted_workers(temporal_client, script):
        await runs.start(request, "a.mp4")
        await eventually(state, lambda seen: seen is StepState.PAUSED)
        await temporal_client.workflow_service.unpause_activity(UnpauseActivityRequest(**publish))
        await closed(temporal_client, request.video_id)
    assert await state() is StepState.COMPLETED


async def test_steps_of_an_open_run_show_what_runs_and_what_is_tried_again(
    temporal_client: Client, runs: TemporalRuns, script: ScriptedActivities
) -> None:
    request = a_request()

    async def always_full(_call: int) -> None:
        raise StorageFailed("The disk is full.")

    def thumbnail_failed(steps: list[StepRecord]) -> bool:
        return any(step.activity == "create_thumbnail" and step.state is StepState.RETRYING for step in steps)

    script.behaviours["encode_chunk"] = hang_with_heartbeats
    script.behaviours["create_thumbnail"] = always_full
    async with scripted_workers(temporal_client, script):
        await runs.start(request, "a.mp4")
        steps = await eventually(lambda: runs.steps(request.video_id), thumbnail_failed)
        await runs.cancel(request.video_id)
        await closed(temporal_client, request.video_id)
    by_name = {step.activity_id: step for step in steps}
    assert by_name["chunk-1-of-2"].state is StepState.RUNNING
    assert by_name["chunk-1-of-2"].worker == MEDIA_QUEUE
    thumbnail = by_name["thumbnail"]
    assert thumbnail.attempts >= 1
    assert thumbnail.last_failure is not None
    assert thumbnail.last_failure.code == "storage_failed"
    ended = {step.activity_id: step.state for step in await runs.steps(request.video_id)}
    assert ended["chunk-1-of-2"] is StepState.CANCELLED
    assert ended["mark-error"] is StepState.COMPLETED


async def test_a_terminated_run_s_steps_ended_with_it(
    temporal_client: Client, runs: TemporalRuns, script: ScriptedActivities
) -> None:
    request = a_request()
    script.behaviours["encode_chunk"] = hang_with_heartbeats
    async with scripted_workers(temporal_client, script):
        await runs.start(request, "a.mp4")
        await script.begun("encode_chunk")
        await temporal_client.get_workflow_handle(workflow_id(request.video_id)).terminate()
        first = {step.activity_id: step for step in await runs.steps(request.video_id)}
        again = {step.activity_id: step for step in await runs.steps(request.video_id)}
    assert first["chunk-1-of-2"].state is StepState.CANCELLED
    assert first == again


async def test_queues_tell_who_works_on_them(
    temporal_client: Client, runs: TemporalRuns, script: ScriptedActivities
) -> None:
    async with scripted_workers(temporal_client, script):
        served = {CONTROL_QUEUE, MEDIA_QUEUE}
        queues = await eventually(
            runs.queues, lambda queues: served <= {queue.name for queue in queues if queue.name in queue.pollers}
        )
    assert [queue.name for queue in queues] == [CONTROL_QUEUE, MEDIA_QUEUE, WEBHOOK_QUEUE]
    assert await runs.server_version() != ""
