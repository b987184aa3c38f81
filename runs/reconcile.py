"""Bring rows and runs back together after an outage, a crash or a lost message.

The row is the outbox: what is ``processing`` without a run gets one, and what is ``deleting`` without a deletion gets
that. Every action is a compare-and-set or an idempotent request to a run, so it harms nothing where two processes do
this at the same time. A row that can't be mended is looked at again later, and holds up none of the others.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from contracts.errors import DatabaseUnavailable, ErrorCode
from contracts.processing import VideoDeletionInput, VideoProcessingInput
from contracts.status import VideoStatus
from database.engine import Database
from database.tables import Video
from runs.client import TemporalRuns
from runs.expired import ExpiredUploads
from runs.former import FormerEditions
from runs.hanging import Hanging
from runs.leavings import Leavings
from runs.one_by_one import OneByOne
from runs.overfull import OverfullUploads
from runs.records import NewestRun, RunStillOpen, TemporalUnavailable
from runs.withdrawals import Withdrawals
from storage.protocol import Storage

log = structlog.stdlib.get_logger("reconcile")

_LOOKS_AT_ONCE: Final = 10
_MOST_LOOKS: Final = 1000
"""Rows of each kind that one pass looks at, which bounds what it asks of Temporal; the rest is due in the next one."""

_MOST_UNANSWERED: Final = 50
"""Rows that one pass takes for bad ones, as each may take seconds. They are put off, so the next one gets to others."""

_PING_SECONDS: Final = 3.0
_ROW_SECONDS: Final = 15.0
_EXPIRED_BATCH: Final = 100
_LOST_REPROCESSING: Final = (
    "The processing ended without a result: it was terminated, or its end could not be written. What was published "
    "before stays. Ask for it again."
)
_PUT_BACK: Final = "The row is older than what its run has done: rows were put back."
_SOONEST_LOOK: Final = timedelta(seconds=10)
_LATEST_LOOK: Final = timedelta(minutes=10)
"""An open run is looked at again when it has lasted as long once more, within these bounds."""


@dataclass
class ReconcileReport:
    """What was mended.

    Attributes:
        started: Runs that were started for rows without one.
        closed: Rows whose run had ended without writing them, and that now say so.
        expired: Uploads that were never finished, closed with their files removed.
        cancelled: Open runs that were told of a cancel which their row had accepted.
        deletions: Deletions that were started for rows without one.
        overfull: Uploads that were ended because they took much more of the bucket than was declared.
        leavings: Uploads that were ended from outside, and of which nothing is left now.
        former: Editions that were kept for their viewers, and whose files are gone now.
        failed: Rows that could not be mended, and are looked at again.
        found_whole: Uploads whose time was over and whose file was whole, so that they get their run.
    """

    started: int = 0
    closed: int = 0
    expired: int = 0
    cancelled: int = 0
    deletions: int = 0
    overfull: int = 0
    leavings: int = 0
    former: int = 0
    failed: int = 0
    found_whole: int = 0


class Reconciler:
    """Mends, one pass at a time. Runs are mended without any file, so that no storage is in their way.

    Args:
        database: The rows.
        runs: Their runs.
        storage: Their files.
        most_looks: Rows of each kind that one pass looks at.
        row_seconds: How long the files of one row may take, and those of one kind.
    """

    def __init__(
        self,
        database: Database,
        runs: TemporalRuns,
        storage: Storage,
        *,
        most_looks: int = _MOST_LOOKS,
        row_seconds: float = _ROW_SECONDS,
    ) -> None:
        self._ping = database.ping
        self._videos = database.videos
        self._backlog = database.backlog
        self._deletions = database.deletions
        self._reprocessings = database.reprocessings
        self._runs = runs
        self._most_looks = most_looks
        self._overfull = OverfullUploads(database.videos, database.backlog, storage)
        self._expired = ExpiredUploads(database.videos, database.backlog, storage)
        self._leavings = Leavings(database.backlog, storage)
        self._former = FormerEditions(database.editions, storage)
        self._withdrawals = Withdrawals(database.videos, database.reprocessings, storage)
        self._hanging = Hanging()
        self._row_seconds = row_seconds

    async def run(self) -> ReconcileReport:
        """One pass: runs first, so that what is in the way of tidying up delays no video.

        Raises:
            DatabaseUnavailable: PostgreSQL does not answer.
            TemporalUnavailable: Temporal does not answer; what needs none of it was done all the same.
        """
        report = ReconcileReport()
        try:
            await self._mend_runs(report)
        finally:
            await self._tidy_up(report)
        return report

    async def _tidy_up(self, report: ReconcileReport) -> None:
        one_by_one = OneByOne(self._ping, self._hanging, seconds=self._row_seconds)
        try:
            await self._withdrawals.remove(one_by_one)
            await self._end_expired(report, one_by_one)
            report.overfull = await self._overfull.end(one_by_one)
            report.leavings = await self._leavings.remove(one_by_one)
            report.former = await self._former.remove(one_by_one)
        finally:
            report.failed += one_by_one.failed

    async def _mend_runs(self, report: ReconcileReport) -> None:
        kinds = (self._backlog, self._reprocessings, self._deletions)
        due = [video for kind in kinds for video in await kind.due(limit=self._most_looks)]
        turns = asyncio.Semaphore(_LOOKS_AT_ONCE)
        away: list[TemporalUnavailable | DatabaseUnavailable] = []
        unanswered: list[Video] = []

        async def look(video: Video) -> None:
            async with turns:
                if away:
                    return  # no use to ask of each row what does not answer
                mend = self._mend_deletion if video.status == VideoStatus.DELETING else self._mend
                try:
                    await mend(video, report)
                except (TemporalUnavailable, DatabaseUnavailable) as error:
                    if len(unanswered) >= _MOST_UNANSWERED or await self._is_away(error):
                        away.append(error)
                        return
                    unanswered.append(video)
                    log.warning("row_not_mended", video_id=str(video.id), reason=str(error))
                except Exception:
                    log.exception("row_not_mended", video_id=str(video.id))
                else:
                    return
                report.failed += 1
                with suppress(DatabaseUnavailable):
                    await self._backlog.look_again(video, _SOONEST_LOOK)

        await asyncio.gather(*(look(video) for video in due))
        if away:
            raise away[0]

    async def _is_away(self, error: TemporalUnavailable | DatabaseUnavailable) -> bool:
        """Whether it was not just one row that was refused, or got no answer in time."""
        try:
            if isinstance(error, DatabaseUnavailable):
                await self._ping(_PING_SECONDS)
            else:
                await self._runs.check()
        except (TemporalUnavailable, DatabaseUnavailable):
            return True
        return False

    async def _mend(self, video: Video, report: ReconcileReport) -> None:
        # Several run at once, so a count is added to only after what is awaited for it.
        run = await self._runs.newest_run(str(video.id))
        if run is not None and run.attempt < video.attempt:
            run = None  # it can't write the row any more
        is_cancelled = video.cancel_requested_at is not None
        if run is not None and not is_cancelled and _was_put_back(video, run):
            anew = await self._backlog.begin_anew(video, run.attempt + 1)
            if anew is None:
                return
            log.warning("run_begun_anew", video_id=str(video.id), attempt=anew.attempt, reason=_PUT_BACK)
            video, run = anew, None
        if run is None and not is_cancelled:
            was_started = await self._start(video)
            report.started += was_started
        elif run is None or not run.is_open:
            was_closed = await self._close(video)
            report.closed += was_closed
            return
        elif is_cancelled:
            was_told = await self._runs.cancel(str(video.id))
            report.cancelled += was_told
        if is_cancelled or run is None:
            await self._backlog.look_again(video, _SOONEST_LOOK)
        else:
            await self._look_as_long_again(video)

    async def _mend_deletion(self, video: Video, report: ReconcileReport) -> None:
        was_started = await self._runs.start_deletion(deletion_input(video), video.original_filename)
        report.deletions += was_started
        if was_started:
            log.info("deletion_started_late", video_id=str(video.id))
        await self._look_as_long_again(video)

    async def _look_as_long_again(self, video: Video) -> None:
        await self._backlog.look_as_long_again(video, soonest=_SOONEST_LOOK, latest=_LATEST_LOOK)

    async def _start(self, video: Video) -> bool:
        try:
            await self._runs.start(processing_input(video), video.original_filename)
        except RunStillOpen:
            return False  # its own end, or the next time, will free the way
        log.info("run_started_late", video_id=str(video.id), attempt=video.attempt)
        return True

    async def _close(self, video: Video) -> bool:
        """Say in the row that it is over, and note what its run may have published; False if it had moved on."""
        if video.is_reprocessing:
            return await self._close_reprocessing(video)
        closed = await self._videos.mark_error(
            video.id,
            video.attempt,
            ErrorCode.PROCESSING_LOST,
            "The processing ended without a result: it was terminated, or its end could not be written. Retry the "
            "video.",
        )
        if not closed:
            return False
        log.warning("row_closed_late", video_id=str(video.id), attempt=video.attempt)
        self._withdrawals.note(video)
        return True

    async def _close_reprocessing(self, video: Video) -> bool:
        ended = await self._reprocessings.fail(video.id, video.attempt, ErrorCode.PROCESSING_LOST, _LOST_REPROCESSING)
        if ended.is_served or ended.error_code is None:
            return False
        log.warning("reprocessing_closed_late", video_id=str(video.id), attempt=video.attempt)
        self._withdrawals.note(video)
        return True

    async def _end_expired(self, report: ReconcileReport, one_by_one: OneByOne) -> None:
        async def end(video: Video) -> None:
            ended = await self._expired.end(video)
            report.found_whole += ended is not None and ended.status == VideoStatus.PROCESSING
            report.expired += ended is not None and ended.status == VideoStatus.ERROR

        async def put_off(video: Video) -> None:
            await self._backlog.put_expiry_off(video.id, _LATEST_LOOK)

        expired = await self._backlog.expired_uploads(limit=_EXPIRED_BATCH)
        await one_by_one.see_to(expired, end, put_off, unless="upload_not_ended")


def _was_put_back(video: Video, run: NewestRun) -> bool:
    """Whether the row is older than its run: one that completes has written the row, and attempts only grow."""
    return not run.is_open and (run.attempt > video.attempt or run.is_completed)


def processing_input(video: Video) -> VideoProcessingInput:
    """What starts the run for the row as it stands."""
    return VideoProcessingInput(
        video_id=str(video.id),
        user_id=video.user_id,
        original_key=video.original_key,
        attempt=video.attempt,
        profile=(video.reprocess_profile or video.profile) if video.is_reprocessing else video.profile,
        hash_is_known=video.content_sha256 is not None or video.source_url is not None,
        # A ready video has its original, or nothing to be made anew from: where it came from is not asked again.
        imported=video.source_url is not None and not video.is_reprocessing,
        reprocess=video.is_reprocessing,
        minutes_count=video.counted_seconds is not None and not video.is_reprocessing,  # counted when it was asked for
    )


def deletion_input(video: Video) -> VideoDeletionInput:
    """What starts the deletion of the row."""
    return VideoDeletionInput(str(video.id), video.user_id, video.original_key)
