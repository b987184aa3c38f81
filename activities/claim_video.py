"""Before anything else: does the row still wait for this run?"""

from dataclasses import dataclass

from temporalio import activity

from activities.heartbeat import heartbeats
from activities.row_ids import row_id
from database.videos import Videos


@dataclass(frozen=True)
class ClaimVideoInput:
    """Which row, and which attempt of it.

    Attributes:
        video_id: Of the row.
        attempt: Which attempt of the row this run serves.
    """

    video_id: str
    attempt: int


class ClaimVideoActivities:
    """``claim_video`` with its dependencies."""

    def __init__(self, videos: Videos) -> None:
        self._videos = videos

    @activity.defn
    async def claim_video(self, request: ClaimVideoInput) -> None:
        """Return if the row is ``processing`` with this attempt. Reads only.

        Raises:
            StatusConflict: It is not, or it is gone: there is nothing to do for this run.
            VideoCancelled: Its cancel was accepted before the run began.
            DatabaseUnavailable: PostgreSQL does not answer.
        """
        async with heartbeats():
            await self._videos.claim(row_id(request.video_id), request.attempt)
