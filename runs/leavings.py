"""Remove once more what is left of uploads that were ended from outside: a request may have written on for a while.

Whoever cancels an upload removes its bytes at once, and with them the addresses that were signed for them. A process
may die before that, a disk may refuse it, and a request that writes, or signs, only learns of the end within its lease.
"""

from datetime import timedelta
from typing import Final

import structlog

from contracts.errors import StorageFailed
from database.backlog import Backlog
from storage.protocol import Storage

log = structlog.stdlib.get_logger("leavings")

_MOST: Final = 100
_LOOK_AGAIN_AFTER: Final = timedelta(minutes=10)


class Leavings:
    """Finds what such uploads may have left, and removes it.

    Args:
        backlog: The rows that ended.
        storage: Where their bytes were.
    """

    def __init__(self, backlog: Backlog, storage: Storage) -> None:
        self._backlog = backlog
        self._storage = storage

    async def remove(self) -> int:
        """Those that are due, so many at most; returns of how many uploads nothing is left now.

        Raises:
            DatabaseUnavailable: PostgreSQL does not answer.
        """
        removed = 0
        for video in await self._backlog.leavings(limit=_MOST):
            try:
                await self._storage.delete(video.original_key)
            except StorageFailed as error:
                log.warning("part_left_behind", video_id=str(video.id), reason=str(error))
                await self._backlog.look_again(video, _LOOK_AGAIN_AFTER)
            else:
                removed += 1
                await self._backlog.look_again(video, None)
        return removed
