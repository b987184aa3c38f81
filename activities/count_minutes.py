"""Beside the other steps, for a user with a limit: do the minutes of this video fit into the day?"""

from dataclasses import dataclass

from temporalio import activity

from activities.heartbeat import heartbeats
from activities.row_ids import row_id
from contracts.errors import LimitExceeded
from contracts.refusals import QuotaExceeded
from database.videos import Videos


@dataclass(frozen=True)
class CountMinutesInput:
    """Of which video, and how much.

    Attributes:
        video_id: Of the row.
        attempt: Which attempt of the row this run serves.
        seconds: How long the video is, as it was planned.
    """

    video_id: str
    attempt: int
    seconds: float


class CountMinutesActivities:
    """``count_minutes`` with its dependencies."""

    def __init__(self, videos: Videos) -> None:
        self._videos = videos

    @activity.defn
    async def count_minutes(self, request: CountMinutesInput) -> None:
        """Note in the row how long the video is. The same when it is run again.

        Raises:
            LimitExceeded: Those that are ready, or on their way and were counted before, have used up the day.
            StatusConflict: The row is not ``processing`` with this attempt any more.
            DatabaseUnavailable: PostgreSQL does not answer.
        """
        async with heartbeats():
            try:
                await self._videos.count_minutes(row_id(request.video_id), request.attempt, request.seconds)
            except QuotaExceeded as error:
                raise LimitExceeded(f"{error.detail} Then retry the video.") from error
