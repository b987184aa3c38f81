"""End uploads whose time is over: one whose file is whole becomes its run's, of any other what came of it goes.

A whole file without a row that says so may be the only copy of something that its sender was told is safe: the answer
to the commit was lost, its process died right after it, or the rows were put back to before it.
"""

import structlog

from contracts.errors import StatusConflict, StorageFailed
from database.backlog import Backlog
from database.tables import Video
from database.videos import Videos
from storage.protocol import Storage

log = structlog.stdlib.get_logger("expired")


class ExpiredUploads:
    """Ends them.

    Args:
        videos: The rows.
        backlog: Those whose time is over.
        storage: Where their files are.
    """

    def __init__(self, videos: Videos, backlog: Backlog, storage: Storage) -> None:
        self._videos = videos
        self._backlog = backlog
        self._storage = storage

    async def end(self, video: Video) -> Video | None:
        """End one, the row first: a file goes only when its row can't want it any more.

        Returns:
            Its row, in ``processing`` with a whole file and no run yet, or in ``error``; None where the upload goes on,
            or has ended otherwise.

        Raises:
            DatabaseUnavailable: PostgreSQL does not answer.
            StorageFailed: It can't be seen whether the file is whole.
        """
        size_bytes = await self._storage.size(video.original_key)
        if size_bytes is None:
            return await self._close(video)
        if video.upload_length in (None, size_bytes):
            return await self._hand_over(video, size_bytes)
        return await self._backlog.expire(video.id)  # what nobody can explain is left to the sweep

    async def _hand_over(self, video: Video, size_bytes: int) -> Video | None:
        try:
            finished = await self._videos.finish_upload(
                video.id, file_size_bytes=size_bytes, content_sha256=None, only_expired=True
            )
        except StatusConflict:
            return None
        log.warning("upload_found_whole", video_id=str(video.id), size_bytes=size_bytes)
        return finished

    async def _close(self, video: Video) -> Video | None:
        closed = await self._backlog.expire(video.id)
        if closed is not None:
            try:
                await self._storage.delete(video.original_key)
            except StorageFailed as error:  # nobody is served it; the sweep, or the video's delete, takes it away
                log.warning("part_left_behind", video_id=str(video.id), reason=str(error))
        return closed
