"""Step 5, the good end: the row tells where the files are."""

from dataclasses import dataclass

from temporalio import activity

from activities.heartbeat import heartbeats
from activities.row_ids import row_id
from contracts.storage_keys import THUMBNAIL_NAME, VIDEO_NAME, processed_key, public_url
from contracts.warnings import VideoWarning
from database.videos import PublishedVideo, Videos


@dataclass(frozen=True)
class MarkReadyInput:
    """What was published.

    Attributes:
        video_id: Of the row.
        attempt: Which attempt of the row this run serves.
        duration_seconds: Length of the video.
        width: Pixels, as displayed.
        height: Pixels, as displayed.
        warnings: What its owner should know.
        content_sha256: Of the upload, where the run computed it; None where the row has it.
        video_bytes: Size of the published video.
        video_sha256: Of the published video.
        thumbnail_bytes: Size of the published picture.
        thumbnail_sha256: Of the published picture; None where a worker of an older version drew it.
    """

    video_id: str
    attempt: int
    duration_seconds: float
    width: int
    height: int
    warnings: tuple[VideoWarning, ...]
    content_sha256: str | None = None
    video_bytes: int | None = None
    video_sha256: str | None = None
    thumbnail_bytes: int | None = None
    thumbnail_sha256: str | None = None


class MarkReadyActivities:
    """``mark_ready`` with its dependencies."""

    def __init__(self, videos: Videos) -> None:
        self._videos = videos

    @activity.defn
    async def mark_ready(self, request: MarkReadyInput) -> None:
        """Set the row from ``processing`` to ``ready``. Ready already, by the same attempt, is a success.

        Raises:
            VideoCancelled: A cancel was accepted meanwhile.
            StatusConflict: The row was retried or deleted meanwhile.
            DatabaseUnavailable: PostgreSQL does not answer.
        """
        async with heartbeats():
            await self._videos.mark_ready(
                row_id(request.video_id), request.attempt, published_by(request), request.content_sha256
            )


def published_by(request: MarkReadyInput) -> PublishedVideo:
    """What can be played then; its addresses are the same for every edition."""
    return PublishedVideo(
        url_mp4=public_url(processed_key(request.video_id, VIDEO_NAME)),
        thumbnail=public_url(processed_key(request.video_id, THUMBNAIL_NAME)),
        duration_seconds=round(request.duration_seconds, 3),
        width=request.width,
        height=request.height,
        warnings=request.warnings,
        published_bytes=request.video_bytes,
        published_sha256=request.video_sha256,
        thumbnail_bytes=request.thumbnail_bytes,
        thumbnail_sha256=request.thumbnail_sha256,
    )
