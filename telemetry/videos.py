"""What became of videos, counted where their rows are changed."""

from prometheus_client import CollectorRegistry, Counter

from contracts.errors import ErrorCode
from contracts.status import VideoStatus
from database.engine import Database
from database.reprocessing import Reprocessings
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
    """Counts what its own calls have changed, so that a call which is repeated counts once.

    A change that was committed while its answer was lost is not counted.
    """

    def __init__(self, database: Database, metrics: VideoMetrics) -> None:
        super().__init__(database.transaction)
        self._metrics = metrics

    def _changed(self, video: Video) -> None:
        if video.status == VideoStatus.PROCESSING:
            self._metrics.uploads.inc()
            self._metrics.upload_bytes.inc(video.file_size_bytes or 0)
        else:
            self._metrics.ended.labels(VideoStatus(video.status).value, video.error_code or "").inc()


class _CountedReprocessings(Reprocessings):
    def __init__(self, database: Database, metrics: VideoMetrics) -> None:
        super().__init__(database.transaction)
        self._metrics = metrics

    def _changed(self, video: Video) -> None:
        self._metrics.reprocessed.labels(video.reprocess_error_code or "").inc()
