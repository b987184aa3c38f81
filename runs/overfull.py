"""End uploads that take much more of a bucket than they said they would, as parts of them were put again and again.

S3 lets a part take the place of the one that was put before it. SeaweedFS keeps each of them until the upload ends, so
that the address of one part, which holds for a day, could fill the disk with what counts for nobody's quota.
"""

from datetime import timedelta
from typing import Final

import structlog

from database.backlog import Backlog
from database.tables import Video
from database.videos import Videos
from runs.one_by_one import OneByOne
from storage.protocol import DirectStorage, Storage

log = structlog.stdlib.get_logger("overfull")

_LOOK_AGAIN_AFTER: Final = timedelta(minutes=1)
_MOST_LOOKS: Final = 100
"""In one pass, each of which is a request to the bucket."""

_TIMES: Final = 2
_SLACK_BYTES: Final = 64 * 1024 * 1024
"""Connections that break, and processes that die, have an honest sender put parts again."""

_REASON: Final = (
    "Parts of the upload were put again until they took more than twice the size that was declared. Upload the video "
    "again, each part once."
)


class OverfullUploads:
    """Finds them, and ends them.

    Args:
        videos: The rows.
        backlog: Those that are to be looked at.
        storage: Where their parts are.
        slack_bytes: What an upload may take beyond twice its size.
    """

    def __init__(self, videos: Videos, backlog: Backlog, storage: Storage, *, slack_bytes: int = _SLACK_BYTES) -> None:
        self._videos = videos
        self._backlog = backlog
        self._storage = storage
        self._slack_bytes = slack_bytes

    async def end(self, one_by_one: OneByOne) -> int:
        """Look at so many uploads at most, each once a minute; returns how many were ended.

        Raises:
            DatabaseUnavailable: PostgreSQL does not answer.
        """
        bucket = self._storage.direct()
        if bucket is None:
            return 0  # a part file on a disk has no byte twice
        ended = 0

        async def measure(video: Video) -> None:
            nonlocal ended
            was_ended = await self._end_if_overfull(bucket, video)
            ended += was_ended
            await put_off(video)

        async def put_off(video: Video) -> None:
            await self._backlog.measured(video.id, _LOOK_AGAIN_AFTER)

        due = await self._backlog.declared_uploads(limit=_MOST_LOOKS)
        await one_by_one.see_to(due, measure, put_off, unless="upload_not_measured")
        return ended

    async def _end_if_overfull(self, bucket: DirectStorage, video: Video) -> bool:
        held_bytes = await bucket.held_bytes(video.original_key)
        declared_bytes = video.upload_length or 0
        if held_bytes <= _TIMES * declared_bytes + self._slack_bytes:
            return False
        if not await self._videos.interrupt_upload(video.id, _REASON):
            return False
        log.warning(
            "overfull_upload_ended",
            video_id=str(video.id),
            user_id=video.user_id,
            held_bytes=held_bytes,
            declared_bytes=declared_bytes,
        )
        await self._storage.delete(video.original_key)
        return True
