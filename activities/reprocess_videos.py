"""Have some videos of a cohort made anew."""

from dataclasses import dataclass

import structlog
from temporalio import activity

from activities.heartbeat import heartbeats
from activities.retry_videos import RetryVideosResult
from contracts.cohorts import Reprocessing
from contracts.errors import OriginalMissing
from contracts.refusals import Refused
from database.cohorts import Cohorts
from runs.actions import VideoActions

_logger = structlog.stdlib.get_logger(__name__)


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
            StorageFailed: It can't be seen whether a file is there.
        """
        wanted = request.reprocessing
        begun = 0
        async with heartbeats():
            videos = await self._cohorts.some_ready(wanted.videos, after=request.after, limit=request.limit)
            for video in videos:
                try:
                    await self._actions.reprocess(video, wanted.profile, counts=wanted.counts)
                except (Refused, OriginalMissing) as error:
                    _logger.info("not made anew", video_id=str(video.id), reason=str(error))
                else:
                    begun += 1
        after = str(videos[-1].id) if videos else None
        return RetryVideosResult(begun, len(videos) - begun, after)
