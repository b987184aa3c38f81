"""Start a run, and say how it ended."""

from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ActivityError, ApplicationError

from activities.mark_error import MarkErrorInput
from contracts.errors import ErrorCode
from contracts.processing import VideoProcessingInput
from contracts.temporal_names import CONTROL_QUEUE, workflow_id
from tests.waiting import eventually
from tests.workflows.scripted import ScriptedActivities
from workflows.video_deletion import VideoDeletionWorkflow
from workflows.video_processing import VideoProcessingWorkflow

Handle = WorkflowHandle[VideoProcessingWorkflow, None] | WorkflowHandle[VideoDeletionWorkflow, None]


async def start(
    client: Client,
    *,
    attempt: int = 3,
    user_id: str = "local",
    imported: bool = False,
    reprocess: bool = False,
    minutes_count: bool = False,
) -> Handle:
    """Start the run of a new video, or of one that is made anew."""
    video_id = str(uuid4())
    key = f"originals/{video_id}.mp4"
    request = VideoProcessingInput(
        video_id, user_id, key, attempt, imported=imported, reprocess=reprocess, minutes_count=minutes_count
    )
    return await client.start_workflow(
        VideoProcessingWorkflow.run,
        request,
        id=workflow_id(video_id),
        task_queue=CONTROL_QUEUE,
    )


async def failure_of(handle: Handle) -> BaseException:
    """Wait for a run that fails, and return why."""
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    return caught.value.cause


async def code_of(handle: Handle) -> str | None:
    """Wait for a run in which an activity failed for good, and return the failure's type."""
    failure = await failure_of(handle)
    assert isinstance(failure, ActivityError)
    assert isinstance(failure.cause, ApplicationError)
    return failure.cause.type


def marked_code(script: ScriptedActivities) -> ErrorCode:
    """What the row was told."""
    marked = script.last("mark_error")
    assert isinstance(marked, MarkErrorInput)
    return marked.error_code


async def paused(handle: Handle) -> None:
    """Wait until the run waits for a timer."""

    async def timers() -> bool:
        history = await handle.fetch_history()
        return any(event.HasField("timer_started_event_attributes") for event in history.events)

    await eventually(timers, bool)
