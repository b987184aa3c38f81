"""Step 5, the good end: the row tells where the files are."""

from dataclasses import dataclass
from uuid import UUID

from temporalio import activity

from contracts.storage_keys import public_url
from database.videos import PublishedVideo, Videos


@dataclass(frozen=True)
class MarkReadyInput:
    """What was published.

    Attributes:
        video_id: Of the row.
        attempt: Which attempt of the row this run serves.
        video_key: Storage key of the video.
        thumbnail_key: Storage key of the thumbnail.
        duration_seconds: Length of the video.
        width: Pixels, as displayed.
        height: Pixels, as displayed.
    """

    video_id: str
    attempt: int
    video_key: str
    thumbnail_key: str
    duration_seconds: float
    width: int
    height: int


class MarkReadyActivities:
    """``mark_ready`` with its dependencies."""

    def __init__(self, videos: Videos) -> None:
        self._videos = videos

    @activity.defn
    async def mark_ready(self, request: MarkReadyInput) -> None:
        """Set the row from ``processing`` to ``ready``. Ready already, by the same attempt, is a success.

        Raises:
            StatusConflict: The row was cancelled, retried or deleted meanwhile.
            DatabaseUnavailable: PostgreSQL does not answer.
        """
        await self._videos.mark_ready(
            UUID(request.video_id),
            request.attempt,
            PublishedVideo(
                url_mp4=public_url(request.video_key),
                thumbnail=public_url(request.thumbnail_key),
                duration_seconds=round(request.duration_seconds, 3),
                width=request.width,
                height=request.height,
            ),
        )
