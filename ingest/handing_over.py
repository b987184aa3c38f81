"""A file that is whole and durable becomes the run's."""

import structlog

from contracts.errors import StatusConflict
from contracts.refusals import RefusalCode, Refused
from database.tables import Video
from database.videos import Videos
from runs.protocol import Runs
from runs.starting import start_run
from storage.protocol import Storage

_logger = structlog.stdlib.get_logger(__name__)


async def hand_over(
    videos: Videos, storage: Storage, runs: Runs, video: Video, *, size_bytes: int, sha256: str | None
) -> Video:
    """Say in the row that the file is here, and start its run.

    Raises:
        Refused: The video was cancelled or deleted meanwhile; the file is removed.
        DatabaseUnavailable: The row may or may not say so; the file stays.
        StorageFailed: The file of such a video can't be removed.
    """
    try:
        finished = await videos.finish_upload(video.id, file_size_bytes=size_bytes, content_sha256=sha256)
    except StatusConflict as error:
        await storage.delete(video.original_key)
        raise Refused(
            RefusalCode.UPLOAD_WITHDRAWN, "The video was cancelled or deleted while it was being uploaded."
        ) from error
    await start_run(runs, finished)
    _logger.info("upload accepted", file_size_bytes=size_bytes, sha256=sha256)
    return finished
