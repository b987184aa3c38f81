"""Before a video's files go: nobody may be making new ones."""

from dataclasses import dataclass
from typing import Final

from temporalio import activity

from activities.heartbeat import heartbeats
from activities.row_ids import row_id
from database.deletions import Deletions
from runs.client import TemporalRuns

STOP_SECONDS: Final = 10.0
"""How long a run that is cancelled has to end by itself, before it is terminated."""


@dataclass(frozen=True)
class StopRunInput:
    """Whose run.

    Attributes:
        video_id: Of the video.
    """

    video_id: str


@dataclass(frozen=True)
class StopRunResult:
    """How the run ended.

    Attributes:
        was_terminated: Whether it did not end by itself, so that its last step may not have heard of it yet.
    """

    was_terminated: bool


class StopRunActivities:
    """``stop_run`` with its dependencies."""

    def __init__(self, deletions: Deletions, runs: TemporalRuns) -> None:
        self._deletions = deletions
        self._runs = runs

    @activity.defn
    async def stop_run(self, request: StopRunInput) -> StopRunResult:
        """End the run that processes a video which is being deleted. None that is open is a success.

        Raises:
            StatusConflict: Nobody has deleted this video.
            TemporalUnavailable: Temporal does not answer.
            DatabaseUnavailable: PostgreSQL does not answer.
        """
        async with heartbeats():
            await self._deletions.check(row_id(request.video_id))
            return StopRunResult(await self._runs.stop(request.video_id, within_seconds=STOP_SECONDS))
