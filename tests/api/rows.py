"""Videos that the api's tests begin with, brought to their status the way that real ones come there."""

from uuid import UUID, uuid4

from contracts.errors import ErrorCode
from contracts.status import VideoStatus
from database.engine import Database
from database.tables import Video
from database.videos import NewVideo, PublishedVideo
from storage.protocol import Storage
from tests.storage.published import publish_something

PUBLISHED = PublishedVideo("/uploads/a", "/uploads/b", 1.5, 640, 360)


async def make_video(database: Database, storage: Storage, status: VideoStatus, title: str = "A clip") -> Video:
    """A video in ``status``, with its original unless it is still uploading."""
    video_id = uuid4()
    key = f"originals/{video_id}.mp4"
    await database.videos.create_uploading(
        NewVideo(video_id, "local", title, "clip.mp4", key, upload_expires_seconds=1e9)
    )
    if status != VideoStatus.UPLOADING:
        writer = await storage.create_original(key)
        await writer.write(b"content")
        await writer.commit()
        await database.videos.finish_upload(video_id, file_size_bytes=7, content_sha256="0" * 64)
    if status == VideoStatus.READY:
        await publish_something(storage, str(video_id))
        await database.videos.mark_ready(video_id, 1, PUBLISHED)
    if status == VideoStatus.ERROR:
        await database.videos.mark_error(video_id, 1, ErrorCode.INVALID_MEDIA, "Not a video.")
    return await video_of(database, video_id)


async def video_of(database: Database, video_id: UUID) -> Video:
    video = await database.videos.get(video_id)
    assert video is not None
    return video
