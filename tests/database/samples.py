"""Rows that the database's tests begin with."""

from uuid import UUID, uuid4

from sqlalchemy import text

from contracts.errors import ErrorCode
from contracts.status import VideoStatus
from database.engine import Database
from database.tables import Video
from database.videos import NewVideo, PublishedVideo, Videos

SHA256 = "0123456789abcdef" * 4
PUBLISHED = PublishedVideo(
    url_mp4="/uploads/processed/x/video.mp4",
    thumbnail="/uploads/processed/x/thumbnail.jpg",
    duration_seconds=10.04,
    width=1280,
    height=720,
)


def new_video(user_id: str = "local", *, video_id: UUID | None = None, expires_in_seconds: float = 3600) -> NewVideo:
    """An upload that begins."""
    chosen = video_id or uuid4()
    return NewVideo(
        id=chosen,
        user_id=user_id,
        title="A holiday",
        original_filename="holiday.mp4",
        original_key=f"originals/{chosen}.mp4",
        upload_expires_seconds=expires_in_seconds,
    )


async def let_go(database: Database) -> None:
    """As a while later: rows are in nobody's hands any more, and those that were looked at are due again."""
    async with database.transaction() as session:
        due = "UPDATE videos SET next_look_at = now() - interval '1 second' WHERE next_look_at IS NOT NULL"
        await session.execute(text(due))


async def video_in(videos: Videos, status: VideoStatus, user_id: str = "local") -> Video:
    """A row in ``status``, brought there the way that real ones come there, at attempt 1."""
    video = await videos.create_uploading(new_video(user_id))
    if status is VideoStatus.UPLOADING:
        return video
    video = await videos.finish_upload(video.id, file_size_bytes=1000, content_sha256=SHA256)
    if status is VideoStatus.READY:
        await videos.mark_ready(video.id, 1, PUBLISHED)
    if status is VideoStatus.ERROR:
        assert await videos.mark_error(video.id, 1, ErrorCode.INVALID_MEDIA, "Not a video.")
    stored = await videos.get(video.id)
    assert stored is not None
    assert stored.status == status
    return stored
