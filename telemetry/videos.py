"""What became of videos, counted where their rows are changed."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter

from contracts.errors import ErrorCode
from contracts.status import VideoStatus
from database.engine import Database
from database.records import PublishedVideo
from database.reprocessing import ReprocessEnding, Reprocessings
from database.tables import Video
from database.videos import Videos


class VideoMetrics:
    """Uploads that were taken, and videos that ended, by this process.

    Args:
        registry: Where they are read.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.uploads = Counter("rushes_uploads", "Uploads that were taken, imports apart.", registry=registry)
        self.upload_bytes = Counter("rushes_upload_bytes", "Bytes of their files.", registry=registry)
        self.ended = Counter(
            "rushes_videos_ended", "Videos that became ready or in error.", ["status", "code"], registry=registry
        )
        self.reprocessed = Counter(
            "rushes_videos_reprocessed",
            "Ready videos that were made anew, or could not be, by code.",
            ["code"],
            registry=registry,
        )
        self.ended.labels(VideoStatus.READY.value, "")
        self.reprocessed.labels("")
        for code in ErrorCode:  # each from 0, so that the first of its kind is an increase
            self.ended.labels(VideoStatus.ERROR.value, code.value)
            self.reprocessed.labels(code.value)


def counted(database: Database, metrics: VideoMetrics) -> Database:
    """The database, its changes of videos counted from now on."""
    database.videos = _CountedVideos(database, metrics)
    database.reprocessings = _CountedReprocessings(database, metrics)
    return database


class _CountedVideos(Videos):
    """A change that is asked for again after its answer was lost may count twice; that is rare."""

    def __init__(self, database: Database, metrics: VideoMetrics) -> None:
        super().__init__(database.transaction)
        self._metrics = metrics

    async def finish_upload(
        self,
        video_id: UUID,
        *,
        title: str | None = None,
        profile: str | None = None,
        user_metadata: Mapping[str, str] | None = None,
        file_size_bytes: int,
        content_sha256: str | None,
    ) -> Video:
        video = await super().finish_upload(
            video_id,
            title=title,
            profile=profile,
            user_metadata=user_metadata,
            file_size_bytes=file_size_bytes,
            content_sha256=content_sha256,
        )
        self._metrics.uploads.inc()
        self._metrics.upload_bytes.inc(file_size_bytes)
        return video

    async def mark_ready(
        self, video_id: UUID, attempt: int, published: PublishedVideo, content_sha256: str | None = None
    ) -> None:
        await super().mark_ready(video_id, attempt, published, content_sha256)
        self._metrics.ended.labels(VideoStatus.READY.value, "").inc()

    async def mark_error(self, video_id: UUID, attempt: int, code: ErrorCode, reason: str) -> bool:
        written = await super().mark_error(video_id, attempt, code, reason)
        if written:
            self._metrics.ended.labels(VideoStatus.ERROR.value, code.value).inc()
        return written


class _CountedReprocessings(Reprocessings):
    def __init__(self, database: Database, metrics: VideoMetrics) -> None:
        super().__init__(database.transaction)
        self._metrics = metrics

    async def finish(self, video_id: UUID, attempt: int, published: PublishedVideo, *, keep: timedelta) -> None:
        await super().finish(video_id, attempt, published, keep=keep)
        self._metrics.reprocessed.labels("").inc()

    async def fail(self, video_id: UUID, attempt: int, code: ErrorCode, reason: str) -> ReprocessEnding:
        ended = await super().fail(video_id, attempt, code, reason)
        if ended.error_code is not None:
            self._metrics.reprocessed.labels(ended.error_code).inc()
        return ended
