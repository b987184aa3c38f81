"""Whole cohorts of videos, worked through by a workflow of their own."""

from dataclasses import dataclass
from typing import Final

VIDEO_COHORT_WORKFLOW: Final = "VideoCohortWorkflow"


class CohortSignal:
    """What a cohort can be told."""

    PAUSE: Final = "pause"
    RESUME: Final = "resume"


PROGRESS_QUERY: Final = "progress"


@dataclass(frozen=True)
class FailedVideos:
    """Videos in ``error``.

    Attributes:
        error_code: For this reason.
        failed_after: Since then, in ISO 8601.
        failed_before: Before then: what fails once more is not taken again.
        user_id: Of this user; None for all.
    """

    error_code: str
    failed_after: str
    failed_before: str
    user_id: str | None = None


@dataclass(frozen=True)
class CohortInput:
    """A cohort that is to be retried.

    Attributes:
        videos: Which.
        total: How many they were at the beginning.
        a_minute: How many are begun in a minute at most.
        after: Id of the video after which it goes on; None for the beginning.
        retried: How many were begun so far.
        passed_over: How many could not be.
        is_paused: Whether it waits to be resumed.
    """

    videos: FailedVideos
    total: int
    a_minute: float
    after: str | None = None
    retried: int = 0
    passed_over: int = 0
    is_paused: bool = False


@dataclass(frozen=True)
class CohortProgress:
    """How far it is.

    Attributes:
        total: How many they were at the beginning.
        retried: How many were begun so far.
        passed_over: How many could not be: retried by somebody else, deleted, or their file is gone.
        is_paused: Whether it waits to be resumed.
        is_done: Whether nothing is left.
    """

    total: int
    retried: int
    passed_over: int
    is_paused: bool
    is_done: bool


def cohort_workflow_id(cohort_id: str) -> str:
    """The id of its workflow."""
    return f"cohort-{cohort_id}"
