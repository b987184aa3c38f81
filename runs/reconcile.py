"""Bring rows and runs back together after an outage, a crash or a lost message.

The row is the outbox: whatever is ``processing`` without a run gets one. Every action is a compare-and-set or an
idempotent request to a run, so any number of processes may do this at the same time.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from contracts.errors import ErrorCode, StorageFailed
from contracts.processing import VideoProcessingInput
from contracts.storage_keys import processed_folder
from database.tables import Video
from database.videos import Videos
from runs.client import TemporalRuns
from runs.records import RunStillOpen
from storage.protocol import Storage

log = structlog.stdlib.get_logger("reconcile")

_SETTLED_AFTER: Final = timedelta(seconds=10)
"""A row younger than this is in the hands of the request that made it."""

_BATCH: Final = 100


@dataclass(frozen=True)
class ReconcileReport:
    """What was mended.

    Attributes:
        started: Runs that were started for rows without one.
        closed: Rows whose run had ended without writing them, and that now say so.
        expired: Uploads that were never finished, closed with their files removed.
        cancelled: Open runs that were told of a cancel which their row had accepted.
    """

    started: int
    closed: int
    expired: int
    cancelled: int = 0


async def reconcile(videos: Videos, runs: TemporalRuns, storage: Storage, *, batch: int = _BATCH) -> ReconcileReport:
    """Look at every row that should have a run, ``batch`` rows a query, and mend it.

    Raises:
        TemporalUnavailable: Temporal does not answer; uploads have been closed, runs not started.
        DatabaseUnavailable: PostgreSQL does not answer.
        StorageFailed: A part of an upload can't be removed.
    """
    now = datetime.now(UTC)
    expired = 0
    for video in await videos.list_expired_uploads(now=now, limit=batch):
        await storage.delete(video.original_key)
        expired += await videos.interrupt_upload(
            video.id, "The upload did not finish in the time that it may take. Upload the video again."
        )
    started = closed = cancelled = 0
    async for video in _settled(videos, before=now - _SETTLED_AFTER, batch=batch):
        run = await runs.newest_run(str(video.id))
        if run is not None and run.attempt < video.attempt:
            run = None  # it can't write the row any more
        is_cancelled = video.cancel_requested_at is not None
        if run is None and not is_cancelled:
            started += await _start(runs, video)
        elif run is None or not run.is_open:
            closed += await _close(videos, storage, video)
        elif is_cancelled:
            cancelled += await runs.cancel(str(video.id))
    return ReconcileReport(started=started, closed=closed, expired=expired, cancelled=cancelled)


async def _settled(videos: Videos, *, before: datetime, batch: int) -> AsyncIterator[Video]:
    """Every row in ``processing`` that has not changed since ``before``, a batch a query."""
    last: Video | None = None
    while found := await videos.list_processing(updated_before=before, limit=batch, after=last):
        for video in found:
            yield video
        last = found[-1]


async def _start(runs: TemporalRuns, video: Video) -> bool:
    try:
        await runs.start(processing_input(video), video.original_filename)
    except RunStillOpen:
        return False  # its own end, or the next time, will free the way; the rows behind it must not wait for that
    log.info("run_started_late", video_id=str(video.id), attempt=video.attempt)
    return True


async def _close(videos: Videos, storage: Storage, video: Video) -> bool:
    """Take back what the run may have published, then say in the row that it is over; False if it had moved on."""
    try:  # first, while nobody can retry: what the next run publishes is not ours to take back
        await storage.delete_folder(processed_folder(str(video.id)))
    except StorageFailed as error:  # nobody is served them, and the next retry or delete takes them away
        log.warning("published_files_left_behind", video_id=str(video.id), reason=str(error))
    closed = await videos.mark_error(
        video.id,
        video.attempt,
        ErrorCode.PROCESSING_LOST,
        "The processing ended without a result: it was terminated, or its end could not be written. Retry the video.",
    )
    if closed:
        log.warning("row_closed_late", video_id=str(video.id), attempt=video.attempt)
    return closed


def processing_input(video: Video) -> VideoProcessingInput:
    """What starts the run for the row as it stands."""
    return VideoProcessingInput(
        video_id=str(video.id),
        user_id=video.user_id,
        original_key=video.original_key,
        attempt=video.attempt,
        profile=video.profile,
        hash_is_known=video.content_sha256 is not None or video.source_url is not None,
        imported=video.source_url is not None,
    )
