"""Cancel, retry, reprocess and delete: what each does at each status."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

import structlog

from contracts.errors import ErrorCode, StatusConflict, StorageFailed
from contracts.refusals import RefusalCode, Refused
from contracts.status import SEEN_STATUSES, VideoStatus
from database.changes import REPROCESS_CANCELLED_REASON
from database.deletions import Deletions
from database.reprocessing import Reprocessings
from database.tables import Video
from database.videos import Videos
from runs.hanging import Hanging
from runs.protocol import Runs
from runs.reconcile import deletion_input
from runs.records import TemporalUnavailable
from runs.starting import start_run
from storage.keys import missing
from storage.protocol import Storage

_PATIENCE_SECONDS: Final = 10.0

_logger = structlog.stdlib.get_logger(__name__)


class VideoActions:
    """What a caller may do to a video after its upload.

    Args:
        videos: The rows.
        deletions: Those that are being deleted.
        reprocessings: Those that are made anew.
        storage: Their files.
        runs: Their runs.
        patience_seconds: How long a cancel waits for a storage that removes nothing, as a disk that hangs.
    """

    def __init__(
        self,
        videos: Videos,
        deletions: Deletions,
        reprocessings: Reprocessings,
        storage: Storage,
        runs: Runs,
        *,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        self._videos = videos
        self._deletions = deletions
        self._reprocessings = reprocessings
        self._storage = storage
        self._runs = runs
        self._patience_seconds = patience_seconds
        self._hanging = Hanging()

    async def cancel(self, video: Video) -> None:
        """Stop the upload or the processing. Once this returns, the video ends in ``error``, code ``cancelled``.

        One that is made anew stays ``ready``, and what was published before stays.

        Raises:
            Refused: There is nothing to cancel.
        """
        if not await self._is_to_end_as_cancelled(video):
            raise Refused(RefusalCode.NOT_CANCELLABLE, "The video is not being uploaded or processed.")
        try:
            if not await self._runs.cancel(str(video.id)):
                await self._end_unstarted(video)
        except TemporalUnavailable as error:
            _logger.warning("run not asked to cancel, the reconciler will", reason=str(error))

    async def _is_to_end_as_cancelled(self, video: Video) -> bool:
        """Change the row first: whatever its run does then, it can't become ready any more."""
        if video.status == VideoStatus.UPLOADING:
            return await self._is_ended(video)
        if video.status == VideoStatus.PROCESSING:
            return await self._videos.request_cancel(video.id, video.attempt)
        if video.is_reprocessing:
            return await self._reprocessings.request_cancel(video.id, video.attempt)
        return False

    async def _is_ended(self, upload: Video) -> bool:
        """Its bytes go with it, and the addresses that were signed for them: they count for nobody any more."""
        if not await self._videos.cancel_unstarted(upload.id, upload.attempt):
            return False
        try:
            await self._remove(upload)
        except (StorageFailed, TimeoutError) as error:
            reason = str(error) or "The storage does not answer in time."
            _logger.warning("part of an upload left behind, the reconciler removes it", reason=reason)
        return True

    async def _remove(self, upload: Video) -> None:
        if self._hanging.is_too_much:
            raise TimeoutError
        await self._hanging.within(self._patience_seconds, str(upload.id), self._storage.delete(upload.original_key))

    async def _end_unstarted(self, video: Video) -> None:
        if video.is_reprocessing:
            code = ErrorCode.CANCELLED
            await self._reprocessings.fail(video.id, video.attempt, code, REPROCESS_CANCELLED_REASON)
        else:
            await self._videos.cancel_unstarted(video.id, video.attempt)

    async def check_storage(self) -> None:
        """Return if files can be looked for at all. Raises ``StorageFailed``."""
        await self._storage.check()

    async def retry(self, video: Video) -> Video:
        """Process a video in ``error`` once more, from its original; one that was imported fetches what is missing.

        One that is ready, but could not be made anew, is so once more, with the profile of then.

        Raises:
            Refused: The video is not in ``error``, and nothing of it has failed; its owner may not have more imports on
                their way, or more made anew today.
            OriginalMissing: The uploaded file is gone, or never arrived.
            StorageFailed: The disk does not answer.
        """
        if video.status == VideoStatus.READY and video.reprocess_error_code is not None:
            return await self.reprocess(video, video.reprocess_profile, counts=video.reprocess_counts)
        if video.status != VideoStatus.ERROR:
            raise _not_retryable()
        if video.source_url is None and await self._storage.size(video.original_key) is None:
            raise missing(video.original_key, "storage")
        try:
            video = await self._videos.start_retry(video.id)
        except StatusConflict as error:
            raise _not_retryable() from error
        await start_run(self._runs, video)
        return video

    async def reprocess(self, video: Video, profile: str | None, *, counts: bool) -> Video:
        """Make a ready video anew, from its original. What is published of it stays until the new files are ready.

        Args:
            video: The video.
            profile: With which profile, a known one; None for the video's own.
            counts: Whether it counts among the minutes that its owner may have made in a day.

        Raises:
            Refused: It is not ready, or is being made anew already; its owner may not have more made today.
            OriginalMissing: The uploaded file is gone.
            StorageFailed: The disk does not answer.
        """
        if video.status != VideoStatus.READY or video.is_reprocessing:
            raise _not_reprocessable(video)
        if await self._storage.size(video.original_key) is None:
            raise missing(video.original_key, "storage")
        try:
            begun = await self._reprocessings.begin(video.id, profile or video.profile, counts=counts)
        except StatusConflict as error:
            raise _not_reprocessable(await self._videos.get(video.id) or video) from error
        await start_run(self._runs, begun)
        return begun

    async def delete(self, video: Video, among: Collection[VideoStatus] = SEEN_STATUSES) -> None:
        """Let nobody see the video any more, and have its run ended and its files removed; the row goes last.

        Args:
            video: As it was read.
            among: It may have become something else since; only where it is in one of these, it is deleted.

        Raises:
            Refused: It is being deleted already, or in another status.
        """
        if not await self._deletions.begin(video.id, among):
            raise _not_found(video.id)
        try:
            await self._runs.start_deletion(deletion_input(video), video.original_filename)
        except TemporalUnavailable as error:
            _logger.warning("deletion not started, the reconciler will", reason=str(error))


async def owned_video(videos: Videos, video_id: UUID, user_id: str | None) -> Video:
    """A video of the user, or of anybody where that is None. Raises ``Refused`` when there is none, or not theirs."""
    structlog.contextvars.bind_contextvars(video_id=str(video_id))
    video = await videos.get(video_id, user_id)
    if video is None:
        raise _not_found(video_id)
    return video


def _not_found(video_id: UUID) -> Refused:
    return Refused(RefusalCode.VIDEO_NOT_FOUND, f"There is no video {video_id}.")


def _not_retryable() -> Refused:
    return Refused(RefusalCode.NOT_RETRYABLE, "Only a video in error can be retried.")


def _not_reprocessable(video: Video) -> Refused:
    told = (
        "The video is being made anew already. Wait for that, or cancel it."
        if video.is_reprocessing
        else f"Only a video that is ready can be made anew; this one is in {video.status}."
    )
    return Refused(RefusalCode.NOT_REPROCESSABLE, told)
