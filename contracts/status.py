"""Where a video stands."""

from enum import StrEnum
from typing import Final


class VideoStatus(StrEnum):
    """The life of a video: ``uploading -> processing -> ready | error``, and from each of them ``-> deleting``.

    Every change is one compare-and-set UPDATE. Out of ``ready`` and ``error`` only a retry or a delete leads, and out
    of ``deleting`` nothing does: the row goes once its files are gone. A video that is made anew stays ``ready``.
    """

    UPLOADING = "uploading"
    PROCESSING = "processing"
    READY = "ready"
    ERROR = "error"
    DELETING = "deleting"


SEEN_STATUSES: Final = tuple(status for status in VideoStatus if status is not VideoStatus.DELETING)
"""Of videos that there are for people; one that is being deleted is not there any more."""


class Visibility(StrEnum):
    """Who may see the published files of a video."""

    PRIVATE = "private"
    """Its owner, administrators, and whoever has a signed link."""

    PUBLIC = "public"
    """Everybody who knows their address."""


class CohortStatus(StrEnum):
    """Where a cohort of videos stands. The last three tell of one that was ended, or failed, before all were begun."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"
    TERMINATED = "terminated"
    FAILED = "failed"


class StepState(StrEnum):
    """Where one activity stands."""

    SCHEDULED = "scheduled"
    RUNNING = "running"
    RETRYING = "retrying"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
