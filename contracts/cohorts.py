"""Whole cohorts of videos, worked through by a workflow of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from contracts.status import CohortStatus

VIDEO_COHORT_WORKFLOW: Final = "VideoCohortWorkflow"


class CohortSignal:
    """What a cohort can be told."""

    PAUSE: Final = "pause"
    RESUME: Final = "resume"


PROGRESS_QUERY: Final = "progress"

LEAST_A_MINUTE: Final = 0.001
"""The slowest: one in seventeen hours. A pause of centuries is one that no clock can be set to."""


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
class ReadyVideos:
    """Videos in ``ready``, as far as they fit everything that is not None.

    Attributes:
        asked_before: Those that nobody has asked to be made anew since then, in ISO 8601: what was taken once is not
            taken again.
        profile: With this profile.
        error_code: That could not be made anew for this reason.
        metadata: With these texts under these keys.
        created_after: Uploaded from then on, in ISO 8601.
        created_before: Uploaded before then.
        user_id: Of this user.
    """

    asked_before: str
    profile: str | None = None
    error_code: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    created_after: str | None = None
    created_before: str | None = None
    user_id: str | None = None


@dataclass(frozen=True)
class Reprocessing:
    """Ready videos that are to be made anew.

    Attributes:
        videos: Which.
        profile: With which profile; None for each one's own.
        counts: Whether they count among the minutes that their owner may have made in a day.
    """

    videos: ReadyVideos
    profile: str | None
    counts: bool


@dataclass(frozen=True)
class CohortInput:
    """A cohort that is to be retried, or made anew.

    Attributes:
        videos: Which are to be retried; None where they are to be made anew.
        total: How many they were at the beginning.
        a_minute: How many are begun in a minute at most; less than ``LEAST_A_MINUTE`` is taken as that.
        after: Id of the video after which it goes on; None for the beginning.
        retried: How many were begun so far.
        passed_over: How many could not be.
        is_paused: Whether it waits to be resumed.
        reprocessing: Which are to be made anew; None where they are to be retried.
    """

    videos: FailedVideos | None
    total: int
    a_minute: float
    after: str | None = None
    retried: int = 0
    passed_over: int = 0
    is_paused: bool = False
    reprocessing: Reprocessing | None = None

    @property
    def user_id(self) -> str | None:
        """Whose videos; None for everybody's."""
        if self.reprocessing is not None:
            return self.reprocessing.videos.user_id
        return self.videos.user_id if self.videos is not None else None

    @property
    def in_words(self) -> str:
        """What is done, for people."""
        if self.reprocessing is not None:
            profile = self.reprocessing.profile
            return f"reprocess with {'each its own profile' if profile is None else profile}"
        return f"retry {self.videos.error_code if self.videos is not None else ''}".rstrip()


@dataclass(frozen=True)
class CohortProgress:
    """How far it is.

    Attributes:
        total: How many they were at the beginning.
        retried: How many were begun so far.
        passed_over: How many could not be: begun by somebody else, deleted, over a quota, or their file is gone.
        is_paused: Whether it waits to be resumed.
        is_done: Whether nothing is left.
        in_words: What is done, for people.
        status: Where it stands, by its run: of its own end a workflow can't tell.
    """

    total: int
    retried: int
    passed_over: int
    is_paused: bool
    is_done: bool
    in_words: str = ""
    status: CohortStatus = CohortStatus.RUNNING


def progress_of(state: CohortInput, *, is_done: bool) -> CohortProgress:
    """How far a cohort is that would go on like this."""
    return CohortProgress(
        state.total, state.retried, state.passed_over, state.is_paused, is_done=is_done, in_words=state.in_words
    )


@dataclass(frozen=True)
class CohortSummary:
    """A cohort among others.

    Attributes:
        cohort_id: Its id.
        in_words: What is done, for people.
        status: Where it stands; one that is paused is ``running``.
        started_at: When it was begun.
    """

    cohort_id: str
    in_words: str
    status: CohortStatus
    started_at: datetime


def cohort_workflow_id(cohort_id: str) -> str:
    """The id of its workflow."""
    return f"cohort-{cohort_id}"


def cohort_id_of(workflow_id: str) -> str:
    """The other way round."""
    return workflow_id.removeprefix("cohort-")
