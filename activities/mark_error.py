"""Step 5, the other end: the row tells what went wrong."""

from dataclasses import dataclass

from temporalio import activity

from activities.heartbeat import heartbeats
from activities.row_ids import row_id
from contracts.errors import ErrorCode
from contracts.status import VideoStatus
from database.videos import Videos


@dataclass(frozen=True)
class MarkErrorInput:
    """What went wrong.

    Attributes:
        video_id: Of the row.
        attempt: Which attempt of the row this run serves.
        error_code: The stable code.
        error_reason: The sentence that the owner reads.
    """

    video_id: str
    attempt: int
    error_code: ErrorCode
    error_reason: str


@dataclass(frozen=True)
class MarkErrorResult:
    """Where the row stands now.

    Attributes:
        status: ``error`` as a rule; something else when the row had moved on; None when it is gone.
        error_code: What the row says; ``cancelled`` after an accepted cancel, whatever ended the run.
    """

    status: VideoStatus | None
    error_code: str | None = None


class MarkErrorActivities:
    """``mark_error`` with its dependencies."""

    def __init__(self, videos: Videos) -> None:
        self._videos = videos

    @activity.defn
    async def mark_error(self, request: MarkErrorInput) -> MarkErrorResult:
        """Set the row from ``processing`` to ``error``. A row that has moved on, or is gone, is left as it is.

        Raises:
            StatusConflict: No row can have this id.
            DatabaseUnavailable: PostgreSQL does not answer.
        """
        video_id = row_id(request.video_id)
        async with heartbeats():
            await self._videos.mark_error(video_id, request.attempt, request.error_code, request.error_reason)
            video = await self._videos.get(video_id)
        if video is None:
            return MarkErrorResult(status=None)
        return MarkErrorResult(status=VideoStatus(video.status), error_code=video.error_code)
