"""Retry some videos of a cohort."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from temporalio import activity

from activities.heartbeat import heartbeats
from contracts.cohorts import FailedVideos
from contracts.errors import OriginalMissing, StorageFailed
from contracts.refusals import Refused
from database.cohorts import Cohorts
from database.tables import Video
from runs.actions import VideoActions

_logger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class RetryVideosInput:
    """Which.

    Attributes:
        videos: The cohort.
        after: Id of the video after which it goes on; None for the beginning.
        limit: Most of them.
    """

    videos: FailedVideos
    after: str | None
    limit: int


@dataclass(frozen=True)
class RetryVideosResult:
    """What became of them.

    Attributes:
        retried: How many were begun.
        passed_over: How many could not be.
        after: Id of the last one; None when there were no more.
    """

    retried: int
    passed_over: int
    after: str | None


class RetryVideosActivities:
    """``retry_videos`` with its dependencies.

    Args:
        cohorts: Finds them.
        actions: Retries one, as a person would have it done.
    """

    def __init__(self, cohorts: Cohorts, actions: VideoActions) -> None:
        self._cohorts = cohorts
        self._actions = actions

    @activity.defn
    async def retry_videos(self, request: RetryVideosInput) -> RetryVideosResult:
        """Retry the next ones. Run twice, it passes over those that it has begun already.

        Raises:
            DatabaseUnavailable: PostgreSQL does not answer.
            StorageFailed: It can't be seen whether any file is there.
        """
        async with heartbeats():
            videos = await self._cohorts.some(request.videos, after=request.after, limit=request.limit)
            return await begin_each(videos, self._actions.retry, self._actions.check_storage)


async def begin_each(
    videos: Sequence[Video], begin: Callable[[Video], Awaitable[object]], check_storage: Callable[[], Awaitable[None]]
) -> RetryVideosResult:
    """Begin each video of a cohort, and pass over those that can't be, or of which alone the storage can't tell.

    Raises:
        DatabaseUnavailable: PostgreSQL does not answer.
        StorageFailed: It can't be seen whether any file is there.
    """
    begun = 0
    for video in videos:
        try:
            await begin(video)
        except (Refused, OriginalMissing, StorageFailed) as error:
            if isinstance(error, StorageFailed):
                await check_storage()
            _logger.info("video of a cohort passed over", video_id=str(video.id), reason=str(error))
        else:
            begun += 1
    after = str(videos[-1].id) if videos else None
    return RetryVideosResult(begun, len(videos) - begun, after)
