"""How far a run is, told without asking a worker: from what Temporal's server knows of its activities.

Each step is a part of the whole way, as large as its part of the work: of a video that is encoded the chunks are nearly
all of it, of one that is copied looking at it is as much as writing it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import WorkflowExecutionDescription
from temporalio.converter import DataConverter

from contracts.processing import Step, StepProgress
from contracts.status import StepState
from contracts.temporal_names import ActivityId, parse_chunk_activity_id
from runs.records import LiveProgress, StepRecord
from runs.time_left import Stretch, made_by_now, time_left_seconds


@dataclass(frozen=True)
class _Part:
    """Which part of the whole way a step is."""

    step: Step
    begin: float
    end: float


_FETCH: Final = _Part(Step.FETCH, 0.0, 1.0)
"""By itself: of the whole way of an import it is ``_FETCHED``, which ``after_a_fetch`` makes of it."""

_FETCHED: Final = 0.3

_CHUNKS: Final = _Part(Step.TRANSCODE, 0.03, 0.94)
_PARTS: Final[Mapping[str, _Part]] = {
    # Thumbnails, and the sound beside chunks, are no part: whether one of them is pending or done says nothing of what
    # runs beside it.
    ActivityId.CLAIM: _Part(Step.VALIDATE, 0.0, 0.0),
    ActivityId.FETCH: _FETCH,
    ActivityId.VALIDATE: _Part(Step.VALIDATE, 0.0, 0.03),
    ActivityId.JOIN: _Part(Step.JOIN, 0.94, 0.96),
    ActivityId.VERIFY: _Part(Step.VERIFY, 0.96, 0.98),
    # Of a copied picture.
    ActivityId.SOUND_OF_COPY: _Part(Step.TRANSCODE, 0.2, 0.4),
    ActivityId.COPY: _Part(Step.JOIN, 0.4, 0.75),
    ActivityId.VERIFY_OF_COPY: _Part(Step.VERIFY, 0.75, 0.95),
    ActivityId.PUBLISH: _Part(Step.PUBLISH, 0.98, 0.99),
    ActivityId.MARK_READY: _Part(Step.FINISH, 0.99, 1.0),
    ActivityId.MARK_ERROR: _Part(Step.FINISH, 0.99, 1.0),
    ActivityId.WITHDRAW: _Part(Step.FINISH, 0.99, 1.0),
    ActivityId.CLEAN: _Part(Step.FINISH, 1.0, 1.0),
}


async def read_progress(
    description: WorkflowExecutionDescription,
    converter: DataConverter,
    steps: Callable[[], Awaitable[Sequence[StepRecord]]],
) -> LiveProgress | None:
    """Progress from the pending activities of an open run; None when none of them tells it, between two steps.

    Args:
        description: Of the run.
        converter: Reads the heartbeats.
        steps: Reads the run's history, which knows the chunks that are done; asked only while chunks are pending.
    """
    pending = list(description.raw_description.pending_activities)
    chunks = [activity for activity in pending if parse_chunk_activity_id(activity.activity_id) is not None]
    if chunks:
        return await _read_chunks(chunks, converter, await steps(), datetime.now(UTC))
    found = [(part, activity) for activity in pending if (part := _part_of(activity.activity_id)) is not None]
    if not found:
        return None
    part, activity = min(found, key=lambda entry: entry[0].begin)
    told = await _heartbeat(activity, converter)
    return replace(_live(part, told.fraction, activity.attempt, told.speed), workers=_workers([activity]))


def progress_between_steps(steps: Sequence[StepRecord]) -> LiveProgress:
    """Progress of an open run of which no pending activity tells it: where the last completed one ended."""
    done = [step.activity_id for step in steps if step.state is StepState.COMPLETED]
    parts = [part for part in map(_part_of, done) if part is not None and part is not _FETCH]
    chunks = _chunks_done(steps)
    last = max(parts, key=lambda part: part.end, default=_PARTS[ActivityId.CLAIM])
    if chunks and last.end <= _CHUNKS.begin:
        return _live(_CHUNKS, len(chunks) / next(iter(chunks))[1], 1, None)
    return _live(last, 1.0, 1, None)


async def after_a_fetch(progress: LiveProgress, steps: Callable[[], Awaitable[Sequence[StepRecord]]]) -> LiveProgress:
    """The progress of a video whose original is fetched first, which is a part of its way.

    Args:
        progress: As of a video whose file is here.
        steps: Reads the run's history, which has the tries of the fetch; asked until that is over.
    """
    # Without a fraction it is the claim, a pause between two tries of the fetch, or the beginning of what follows.
    if progress.step is Step.FETCH or progress.fraction == 0.0:
        tries = [step for step in await steps() if _part_of(step.activity_id) is _FETCH]
        # It may have ended since the progress was read, which is then still that of the fetch.
        if progress.step is Step.FETCH or not any(step.state is StepState.COMPLETED for step in tries):
            failures = [one.last_failure.message for one in tries if one.last_failure is not None]
            return replace(
                progress,
                step=Step.FETCH,
                fraction=round(progress.fraction * _FETCHED, 4),
                attempt=max(1, sum(one.attempts for one in tries)),
                failure=failures[-1] if failures else None,
            )
    return replace(progress, fraction=round(_FETCHED + (1 - _FETCHED) * progress.fraction, 4))


def _chunks_done(steps: Sequence[StepRecord]) -> set[tuple[int, int]]:
    """Number and count of each chunk that is done; the queue hands them out in an order of its own."""
    done = (parse_chunk_activity_id(step.activity_id) for step in steps if step.state is StepState.COMPLETED)
    return {numbers for numbers in done if numbers is not None}


async def _read_chunks(
    chunks: Sequence[PendingActivityInfo], converter: DataConverter, steps: Sequence[StepRecord], now: datetime
) -> LiveProgress:
    done = _chunks_done(steps)
    of = (parse_chunk_activity_id(chunks[0].activity_id) or (1, 1))[1]
    # The history was read after the pending ones, so one of them may be done by now.
    still = [activity for activity in chunks if parse_chunk_activity_id(activity.activity_id) not in done]
    told = [await _heartbeat(activity, converter) for activity in still]
    speeds = [progress.speed for progress in told if progress.speed is not None]
    fraction = (len(done) + sum(progress.fraction for progress in told)) / of
    attempt = max(activity.attempt for activity in chunks)
    live = _live(_CHUNKS, fraction, attempt, sum(speeds) if speeds else None)
    begun = [stretch for activity, one in zip(still, told, strict=True) for stretch in _stretch(activity, one, now)]
    left_seconds = time_left_seconds([*_done_stretches(steps), *begun], of, now)
    return replace(live, time_left_seconds=left_seconds, workers=_workers(still))


def _workers(activities: Sequence[PendingActivityInfo]) -> tuple[str, ...]:
    """Who has them in hand, each once; one that waits for a worker has none."""
    started = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
    running = (activity for activity in activities if activity.state == started)
    return tuple(dict.fromkeys(activity.last_worker_identity for activity in running))


def _done_stretches(steps: Sequence[StepRecord]) -> list[Stretch]:
    return [
        Stretch(step.started_at, step.duration_seconds, 1.0)
        for step in steps
        if step.state is StepState.COMPLETED
        and step.started_at is not None
        and step.duration_seconds is not None
        and parse_chunk_activity_id(step.activity_id) is not None
    ]


def _stretch(activity: PendingActivityInfo, told: StepProgress, now: datetime) -> list[Stretch]:
    if not activity.HasField("last_started_time"):
        return []
    began_at = activity.last_started_time.ToDatetime(tzinfo=UTC)
    seconds = max(0.0, (now - began_at).total_seconds())
    told_at = activity.last_heartbeat_time.ToDatetime(tzinfo=UTC)
    told_seconds = min(seconds, max(0.0, (told_at - began_at).total_seconds()))
    return [Stretch(began_at, seconds, made_by_now(told.fraction, told_seconds, seconds))]


def _live(part: _Part, within: float, attempt: int, speed: float | None) -> LiveProgress:
    fraction = part.begin + (part.end - part.begin) * min(1.0, within)
    return LiveProgress(step=part.step, fraction=round(fraction, 4), attempt=max(1, attempt), speed=speed)


def _part_of(activity_id: str) -> _Part | None:
    return _PARTS.get(activity_id.partition(".")[0])


async def _heartbeat(activity: PendingActivityInfo, converter: DataConverter) -> StepProgress:
    payloads = activity.heartbeat_details.payloads
    if not payloads:
        return StepProgress()
    (progress,) = await converter.decode(payloads, [StepProgress])
    return progress if isinstance(progress, StepProgress) else StepProgress()
