"""A file that is whole and durable becomes the run's.

From here on the file may be the only copy of something that its sender was told is safe, so it is removed only where
the row says that it is not wanted, never because the database did not answer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

import structlog

from contracts.errors import DatabaseUnavailable, StatusConflict
from contracts.refusals import RefusalCode, Refused
from contracts.status import VideoStatus
from database.tables import Video
from database.videos import Videos
from runs.protocol import Runs
from runs.starting import start_run
from storage.protocol import Storage

Changed = TypeVar("Changed")

_ASK_AGAIN_SECONDS: Final = (0.1, 1.0)
"""Pauses before the row is asked again what became of an answer that was lost."""

_logger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class WholeFile:
    """A file that is durable under its key.

    Attributes:
        video_id: Its row.
        original_key: Where it is.
        size_bytes: How large it is.
        sha256: Of it, as 64 hexadecimal digits; None where the run has to compute it.
    """

    video_id: UUID
    original_key: str
    size_bytes: int
    sha256: str | None


async def hand_over(videos: Videos, storage: Storage, runs: Runs, file: WholeFile) -> Video:
    """Say in the row that the file is here, and start its run. Done already is a success.

    Raises:
        Refused: The video was cancelled or deleted meanwhile, or the upload expired; the file is removed.
        QuotaExceeded: It told no length before, and is more than its user may keep; file and row are for the caller.
        DatabaseUnavailable: The row may or may not say so. The file stays; the reconciler goes by the row.
        StorageFailed: The file of such a video can't be removed.
    """
    finished = await _finish(videos, file)
    if finished is None:
        await storage.delete(file.original_key)
        raise await withdrawn(videos, file.video_id)
    await start_run(runs, finished)
    _logger.info("upload accepted", file_size_bytes=file.size_bytes, sha256=file.sha256)
    return finished


async def withdrawn(videos: Videos, video_id: UUID) -> Refused:
    """What is said of an upload whose row waits for it no more: what became of it there, such as that it expired."""
    video = await videos.get(video_id)
    if video is None or video.status == VideoStatus.DELETING:
        return Refused(RefusalCode.UPLOAD_WITHDRAWN, "The video was deleted during its upload.")
    return Refused(RefusalCode.UPLOAD_WITHDRAWN, f"The upload was ended while it came: {video.error_reason}")


async def _finish(videos: Videos, file: WholeFile) -> Video | None:
    """The row with its file; None when it does not want it."""
    try:
        return await asked_again(
            lambda: videos.finish_upload(file.video_id, file_size_bytes=file.size_bytes, content_sha256=file.sha256)
        )
    except StatusConflict:
        return await accepted_before(videos, file.video_id)


async def asked_again(change: Callable[[], Awaitable[Changed]]) -> Changed:
    """Ask for a change of an upload's row, again where the answer is lost: it may have been made all the same.

    Raises:
        DatabaseUnavailable: PostgreSQL has been away for a second.
    """
    for pause_seconds in _ASK_AGAIN_SECONDS:
        try:
            return await change()
        except DatabaseUnavailable as error:
            _logger.warning("database asked again what became of an upload", reason=str(error))
            await asyncio.sleep(pause_seconds)
    return await change()


async def accepted_before(videos: Videos, video_id: UUID) -> Video | None:
    """The row, if an earlier call, another request that took the upload over, or the reconciler has finished it."""
    video = await videos.get(video_id)
    return video if video is not None and video.uploaded_at is not None else None
