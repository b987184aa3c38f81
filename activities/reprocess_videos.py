"""Have some videos of a cohort made anew."""

from dataclasses import dataclass
from functools import partial

from temporalio import activity

from activities.heartbeat import heartbeats
from activities.retry_videos import RetryVideosResult, begin_each
from contracts.cohorts import Reprocessing
from database.cohorts import Cohorts
from runs.actions import VideoActions


@dataclass(frozen=True)
class ReprocessVideosInput:
    """Which.

    Attributes:
        reprocessing: The cohort.
        after: Id of the video after which it goes on; None for the beginning.
        limit: Most of them.
    """

    reprocessing: Reprocessing
    after: str | None
    limit: int


class ReprocessVideosActivities:
    """``reprocess_videos`` with its dependencies.

    Args:
        cohorts: Finds them.
        actions: Begins one, as a person would have it done.
    """

    def __init__(self, cohorts: Cohorts, actions: VideoActions) -> None:
        self._cohorts = cohorts
        self._actions = actions

    @activity.defn
    async def reprocess_videos(self, request: ReprocessVideosInput) -> RetryVideosResult:
        """Begin the next ones. Run twice, it passes over those that it has begun already.

        Raises:
            DatabaseUnavailable: PostgreSQL does not answer.
            StorageFailed: It can't be seen whether any file is there.
        """
        wanted = request.reprocessing
        begin = partial(self._actions.reprocess, profile=wanted.profile, counts=wanted.counts)
        async with heartbeats():
            videos = await self._cohorts.some_ready(wanted.videos, after=request.after, limit=request.limit)
            return await begin_each(videos, begin, self._actions.check_storage)
