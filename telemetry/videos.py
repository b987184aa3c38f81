"""What became of videos, counted where their rows are changed."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter

from contracts.errors import ErrorCode
from contracts.status import VideoStatus
from database.engine import Database
from database.reprocessing import Reprocessings
from database.tables import Video
from database.videos import Videos

_MADE: Final = ""
"""The code of a video that did not fail."""

ENDED_BY_WORKERS: Final = (_MADE, *(code.value for code in ErrorCode))
ENDED_BY_APIS: Final = (ErrorCode.PROCESSING_LOST.value, ErrorCode.CANCELLED.value)


class VideoMetrics:
    """Uploads that were taken, and videos that ended, by this process.

    Args:
        registry: Where they are read.
        expected: The codes that videos may end with here. They count from 0, so that the first of its kind is an
            increase; a 0 of what others count would say that nothing failed.
    """

    def __init__(self, registry: CollectorRegistry, expected: Iterable[str] = ENDED_BY_WORKERS) -> None:
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
        for code in expected:
            self.ended.labels((VideoStatus.ERROR if code else VideoStatus.READY).value, code)
            self.reprocessed.labels(code)


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
            self._metrics.ended.labels(VideoStatus(video.status).value, video.error_code or _MADE).inc()


class _CountedReprocessings(Reprocessings):
    def __init__(self, database: Database, metrics: VideoMetrics) -> None:
        super().__init__(database.transaction)
        self._metrics = metrics

    def _changed(self, video: Video) -> None:
        self._metrics.reprocessed.labels(video.reprocess_error_code or _MADE).inc()
