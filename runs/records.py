"""What Temporal tells of a video's run, in our words."""

from dataclasses import dataclass
from datetime import datetime

from contracts.processing import Step
from contracts.status import StepState
from media.facts import FileFacts


class TemporalUnavailable(Exception):
    """Temporal does not answer; what was asked may be asked again later."""


class TemporalRefuses(TemporalUnavailable):
    """Temporal answers, and says no; it will until somebody has mended what the sentence says.

    Attributes:
        to_everything: Whether it would say so to any run, and not just to what was asked.
    """

    def __init__(self, sentence: str, *, to_everything: bool) -> None:
        super().__init__(sentence)
        self.to_everything = to_everything


class RunStillOpen(TemporalUnavailable):
    """The run of an earlier attempt has not ended yet, so that of the next one can't start."""


@dataclass(frozen=True)
class NewestRun:
    """A video's newest run.

    Attributes:
        attempt: Which attempt of the row it serves.
        is_open: Whether it has not ended.
        is_completed: Whether it has ended well, which it does once the row says so.
    """

    attempt: int
    is_open: bool
    is_completed: bool = False


@dataclass(frozen=True)
class StepFailure:
    """Why an attempt failed.

    Attributes:
        code: The failure's ``type``, one of ``contracts.errors.ErrorCode`` where the failure is ours.
        message: The sentence.
    """

    code: str
    message: str


@dataclass(frozen=True)
class StepRecord:
    """One activity of the newest run, read from Temporal's history.

    Attributes:
        activity: Name of the activity, such as ``encode_chunk``.
        activity_id: Its id within the run, such as ``chunk-3-of-9``.
        summary: The line that Temporal's Web UI shows beside it.
        state: Where it stands.
        attempts: How often it was begun; 0 while it waits for a worker for the first time.
        queue: The task queue that it was put on.
        scheduled_at: When the workflow asked for it.
        started_at: When the newest attempt began, or None.
        duration_seconds: From ``started_at`` to its end, or until now while it runs; None before it began.
        worker: Identity of the worker that has or had it, or None.
        last_failure: The newest failure, also where a later attempt succeeded.
    """

    activity: str
    activity_id: str
    summary: str
    state: StepState
    attempts: int
    queue: str
    scheduled_at: datetime
    started_at: datetime | None
    duration_seconds: float | None
    worker: str | None
    last_failure: StepFailure | None


@dataclass(frozen=True)
class RunRecord:
    """What the newest run did, read from Temporal's history.

    Attributes:
        steps: Each activity, in the order in which the workflow asked for it.
        plan: What was to be made of the video, in words: that of the newest making; None before there is one.
        before: What the uploaded file is; None until it was looked at.
        after: What was made of it; None until that was verified.
    """

    steps: tuple[StepRecord, ...] = ()
    plan: str | None = None
    before: FileFacts | None = None
    after: FileFacts | None = None


@dataclass(frozen=True)
class LiveProgress:
    """How far the running workflow is.

    Attributes:
        step: The step that runs.
        fraction: Of the whole way from upload to ready, 0 to 1.
        attempt: Newest attempt of the running activity, 1 for the first.
        speed: Seconds of video made in a second, over all chunks that are encoded now; None where that says nothing.
        time_left_seconds: How long the encode will take at its rate so far; None where that says nothing.
        workers: Identities of the workers that have its steps in hand.
        begun_at: When the run began.
        failure: Why the running step failed last, as a sentence; None where it did not, or that is not known.
    """

    step: Step
    fraction: float
    attempt: int
    speed: float | None = None
    time_left_seconds: float | None = None
    workers: tuple[str, ...] = ()
    begun_at: datetime | None = None
    failure: str | None = None


@dataclass(frozen=True)
class QueueState:
    """One task queue, as its server sees it.

    Attributes:
        name: Of the queue.
        backlog: Tasks that wait for a worker.
        pollers: Identities of the workers that asked for work lately; one whose slots are all in use does not ask.
        backlog_age_seconds: How long the oldest of these tasks has waited; 0 where none waits.
    """

    name: str
    backlog: int
    pollers: tuple[str, ...]
    backlog_age_seconds: float = 0.0


@dataclass(frozen=True)
class WorkerState:
    """A worker on one task queue, as it told the server of itself.

    Attributes:
        queue: That it serves.
        host: Name of its machine or container.
        process: Its process there.
        label: What its operator calls it; empty for none.
        version: Of Rushes, or of its deployment; empty where it does not say.
        busy_slots: Activities that it has in hand.
        free_slots: How many more it would take.
        started_at: When it began.
        seen_at: When it last told of itself.
        is_stopping: Whether it takes no more work.
        sandbox: What is around the programs that it runs; empty where it runs none, or does not say.
    """

    queue: str
    host: str
    process: int
    label: str
    version: str
    busy_slots: int
    free_slots: int
    started_at: datetime
    seen_at: datetime
    is_stopping: bool
    sandbox: str = ""
