"""Remove once more what is left of uploads that were ended from outside: a request may have written on for a while.

Whoever cancels an upload removes its bytes at once, and with them the addresses that were signed for them. A process
may die before that, a disk may refuse it, and a request that writes, or signs, only learns of the end within its lease.
"""

from datetime import timedelta
from typing import Final

from database.backlog import Backlog
from database.tables import Video
from runs.one_by_one import OneByOne
from storage.protocol import Storage

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

    async def remove(self, one_by_one: OneByOne) -> int:
        """Those that are due, so many at most; returns of how many uploads nothing is left now.

        Raises:
            DatabaseUnavailable: PostgreSQL does not answer.
        """
        removed = 0

        async def remove(video: Video) -> None:
            nonlocal removed
            await self._storage.delete(video.original_key)
            await self._backlog.look_again(video, None)
            removed += 1

        async def put_off(video: Video) -> None:
            await self._backlog.look_again(video, _LOOK_AGAIN_AFTER)

        due = await self._backlog.leavings(limit=_MOST)
        await one_by_one.see_to(due, remove, put_off, unless="part_left_behind")
        return removed
