"""Remove editions that were kept for a while for whoever was watching them."""

from datetime import timedelta
from typing import Final

from database.editions import Edition, Editions
from runs.editions import remove_edition
from runs.one_by_one import OneByOne
from storage.protocol import Storage

_MOST: Final = 100
_LOOK_AGAIN_AFTER: Final = timedelta(minutes=10)


class FormerEditions:
    """Finds those whose time is over, and removes them.

    Args:
        editions: Which they are.
        storage: Where their files are.
    """

    def __init__(self, editions: Editions, storage: Storage) -> None:
        self._editions = editions
        self._storage = storage

    async def remove(self, one_by_one: OneByOne) -> int:
        """Those that are due, so many at most; returns of how many the files are gone now.

        Raises:
            DatabaseUnavailable: PostgreSQL does not answer.
        """
        removed = 0

        async def remove(edition: Edition) -> None:
            nonlocal removed
            async with self._editions.removing(edition) as may_go:  # the row goes last
                if may_go:
                    await remove_edition(self._storage, edition)
            removed += may_go

        async def put_off(edition: Edition) -> None:
            await self._editions.put_off(edition, _LOOK_AGAIN_AFTER)

        due = await self._editions.due(limit=_MOST)
        await one_by_one.see_to(due, remove, put_off, unless="former_files_left")
        return removed
