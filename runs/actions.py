"""Cancel, retry and delete: what each does at each status."""

from typing import Final
from uuid import UUID

import structlog

from contracts.errors import StatusConflict
from contracts.refusals import RefusalCode, Refused
from contracts.status import VideoStatus
from contracts.storage_keys import processed_folder, work_folder
from database.tables import Video
from database.videos import Videos
from runs.protocol import Runs
from runs.records import TemporalUnavailable
from runs.starting import start_run
from storage.keys import missing
from storage.protocol import Storage

STOP_SECONDS: Final = 10.0
"""How long a delete waits for a run to end by itself, before it terminates it."""

_logger = structlog.stdlib.get_logger(__name__)


class VideoActions:
    """What a caller may do to a video after its upload.

    Args:
        videos: The rows.
        storage: Their files.
        runs: Their runs.
    """

    def __init__(self, videos: Videos, storage: Storage, runs: Runs) -> None:
        self._videos = videos
        self._storage = storage
        self._runs = runs

    async def cancel(self, video: Video) -> None:
        """Stop the upload or the processing. Once this returns, the video ends in ``error``, code ``cancelled``.

        Raises:
            Refused: There is nothing to cancel.
        """
        if not await self._is_to_end_as_cancelled(video):
            raise Refused(RefusalCode.NOT_CANCELLABLE, "The video is not being uploaded or processed.")
        try:
            if not await self._runs.cancel(str(video.id)):
                await self._videos.cancel_unstarted(video.id, video.attempt)
        except TemporalUnavailable as error:
            _logger.warning("run not asked to cancel, the reconciler will", reason=str(error))

    async def _is_to_end_as_cancelled(self, video: Video) -> bool:
        """Change the row first: whatever its run does then, it can't become ready any more."""
        if video.status == VideoStatus.UPLOADING:
            return await self._videos.cancel_unstarted(video.id, video.attempt)
        if video.status == VideoStatus.PROCESSING:
            return await self._videos.request_cancel(video.id, video.attempt)
        return False

    async def retry(self, video: Video) -> Video:
        """Process a video in ``error`` once more, from its original; one that was imported fetches what is missing.

        Raises:
            Refused: The video is not in ``error``.
            OriginalMissing: The uploaded file is gone, or never arrived.
            StorageFailed: The disk does not answer.
        """
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

    async def delete(self, video: Video) -> None:
        """Remove the video, its files and its run. The row goes last: what fails in between can be asked for again.

        Raises:
            TemporalUnavailable: The video is being processed, and its run can't be stopped.
            StorageFailed: A file can't be removed.
        """
        video_id = str(video.id)
        if video.status == VideoStatus.PROCESSING:
            await self._runs.stop(video_id, within_seconds=STOP_SECONDS)
        # Ends an upload on its way, and whatever was begun since the row was read: its end, a retry, the reconciler.
        if await self._videos.cancel_unstarted(video.id, None):
            await self._runs.stop(video_id, within_seconds=STOP_SECONDS)
        await self._storage.delete_folder(processed_folder(video_id))
        await self._storage.delete(video.original_key)
        await self._storage.delete_folder(work_folder(video_id))
        await self._videos.delete(video.id)


async def owned_video(videos: Videos, video_id: UUID, user_id: str | None) -> Video:
    """A video of the user, or of anybody where that is None. Raises ``Refused`` when there is none, or not theirs."""
    structlog.contextvars.bind_contextvars(video_id=str(video_id))
    video = await videos.get(video_id, user_id)
    if video is None:
        raise Refused(RefusalCode.VIDEO_NOT_FOUND, f"There is no video {video_id}.")
    return video


def _not_retryable() -> Refused:
    return Refused(RefusalCode.NOT_RETRYABLE, "Only a video in error can be retried.")
