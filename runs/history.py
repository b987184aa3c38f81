"""Read a run's steps from Temporal's history, the record that outlives workers and restarts."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import WorkflowExecutionDescription, WorkflowHistory
from temporalio.converter import DataConverter

from contracts.status import StepState
from runs.records import StepFailure, StepRecord


async def read_steps(
    history: WorkflowHistory, description: WorkflowExecutionDescription, converter: DataConverter
) -> list[StepRecord]:
    """Each activity of a run, in the order in which the workflow asked for it.

    The history has what is closed. While an activity waits, runs or is retried only its scheduling is in there; the
    rest comes from the description's pending activities.
    """
    steps: dict[int, StepRecord] = {}
    scheduled: dict[str, int] = {}
    for event in history.events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            scheduled[event.activity_task_scheduled_event_attributes.activity_id] = event.event_id
            steps[event.event_id] = await _scheduled(event, converter)
        elif event.HasField("activity_task_started_event_attributes"):
            started = event.activity_task_started_event_attributes
            step = steps[started.scheduled_event_id]
            steps[started.scheduled_event_id] = replace(
                step,
                state=StepState.RUNNING,
                attempts=started.attempt,
                started_at=_when(event.event_time),
                worker=started.identity or None,
                last_failure=_failure(started.last_failure) if started.HasField("last_failure") else None,
            )
        else:
            _close(event, steps)
    now = datetime.now(UTC)
    for activity in description.raw_description.pending_activities:
        event_id = scheduled.get(activity.activity_id)
        if event_id is not None:
            steps[event_id] = _pending(steps[event_id], activity, now)
    return _settle(steps.values(), description.close_time)


async def _scheduled(event: HistoryEvent, converter: DataConverter) -> StepRecord:
    attributes = event.activity_task_scheduled_event_attributes
    return StepRecord(
        activity=attributes.activity_type.name,
        activity_id=attributes.activity_id,
        summary=await _text(event.user_metadata.summary, converter),
        state=StepState.SCHEDULED,
        attempts=0,
        queue=attributes.task_queue.name,
        scheduled_at=_when(event.event_time),
        started_at=None,
        duration_seconds=None,
        worker=None,
        last_failure=None,
    )


def _close(event: HistoryEvent, steps: dict[int, StepRecord]) -> None:
    if event.HasField("activity_task_completed_event_attributes"):
        number, state, failure = (
            event.activity_task_completed_event_attributes.scheduled_event_id,
            StepState.COMPLETED,
            None,
        )
    elif event.HasField("activity_task_failed_event_attributes"):
        failed = event.activity_task_failed_event_attributes
        number, state, failure = failed.scheduled_event_id, StepState.FAILED, failed.failure
    elif event.HasField("activity_task_timed_out_event_attributes"):
        late = event.activity_task_timed_out_event_attributes
        number, state, failure = late.scheduled_event_id, StepState.TIMED_OUT, late.failure
    elif event.HasField("activity_task_canceled_event_attributes"):
        number, state, failure = (
            event.activity_task_canceled_event_attributes.scheduled_event_id,
            StepState.CANCELLED,
            None,
        )
    else:
        return
    step = steps[number]
    steps[number] = replace(
        step,
        state=state,
        duration_seconds=_seconds(step.started_at, _when(event.event_time)),
        last_failure=_failure(failure) if failure is not None else step.last_failure,
    )


def _pending(step: StepRecord, activity: PendingActivityInfo, now: datetime) -> StepRecord:
    running = activity.state in (
        PendingActivityState.PENDING_ACTIVITY_STATE_STARTED,
        PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED,
        PendingActivityState.PENDING_ACTIVITY_STATE_PAUSE_REQUESTED,
    )
    failure = _failure(activity.last_failure) if activity.HasField("last_failure") else None
    began = activity.HasField("last_started_time")
    started_at = _when(activity.last_started_time) if began else None
    return replace(
        step,
        state=_open_state(activity, is_running=running, has_failed=failure is not None),
        # While it waits for its next attempt, ``attempt`` already counts that one.
        attempts=activity.attempt if running else max(0, activity.attempt - 1),
        started_at=started_at,
        duration_seconds=_seconds(started_at, now) if running else None,
        worker=activity.last_worker_identity or None,
        last_failure=failure,
    )


def _open_state(activity: PendingActivityInfo, *, is_running: bool, has_failed: bool) -> StepState:
    """Where it stands. One that runs while it is paused goes on until it ends or fails."""
    if is_running:
        return StepState.RUNNING
    if activity.state == PendingActivityState.PENDING_ACTIVITY_STATE_PAUSED:
        return StepState.PAUSED
    return StepState.RETRYING if has_failed else StepState.SCHEDULED


def _settle(steps: Iterable[StepRecord], closed_at: datetime | None) -> list[StepRecord]:
    """What a terminated run left open ended with it: it counts as cancelled."""
    if closed_at is None:
        return list(steps)
    open_states = (StepState.SCHEDULED, StepState.RUNNING, StepState.RETRYING, StepState.PAUSED)
    return [
        replace(step, state=StepState.CANCELLED, duration_seconds=_seconds(step.started_at, closed_at))
        if step.state in open_states
        else step
        for step in steps
    ]


def _failure(failure: Failure) -> StepFailure:
    """The failure in our words: an application error has its own code, the others are named after their kind."""
    if failure.HasField("application_failure_info"):
        code = failure.application_failure_info.type
    elif failure.HasField("timeout_failure_info"):
        code = "timed_out"
    elif failure.HasField("canceled_failure_info"):
        code = "cancelled"
    else:
        code = "internal"
    return StepFailure(code=code, message=failure.message)


async def _text(payload: Payload, converter: DataConverter) -> str:
    if not payload.metadata:
        return ""
    (text,) = await converter.decode([payload], [str])
    return str(text)


def _when(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(tzinfo=UTC)


def _seconds(begin: datetime | None, end: datetime) -> float | None:
    return round((end - begin).total_seconds(), 3) if begin is not None else None
