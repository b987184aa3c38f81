"""Whose files the storage has: of two databases on one storage each would take the other's files for nobody's.

The storage says which database it belongs to, the first that came. For any other nothing is brought together and
nothing swept, until a person says that the storage is its own now.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from contracts.errors import DatabaseUnavailable, StorageFailed
from database.places import StoragePlaces
from storage.protocol import Storage

_KNOWN_SECONDS: Final = 60.0
"""So long an answer holds that it is ours. Another one is asked for again at once: somebody may have mended it."""

_PATIENCE_SECONDS: Final = 10.0
_ANOTHERS: Final = (
    "The storage belongs to another database. Lost runs are not started, and nothing is removed by itself: files of "
    "that one would go. Once it uses the storage no more, `rushes storage adopt` gives it to this one."
)

_logger = structlog.stdlib.get_logger(__name__)


class StorageOfAnother(StorageFailed):
    """The storage belongs to another database."""


class Ownership:
    """What one database may do with one storage.

    Args:
        places: The database.
        storage: The files.
        patience_seconds: How long an answer is waited for.
    """

    def __init__(self, places: StoragePlaces, storage: Storage, *, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._places = places
        self._storage = storage
        self._patience_seconds = patience_seconds
        self._is_ours: bool | None = None
        self._asked_at = 0.0

    async def is_ours(self) -> bool:
        """Whether the storage belongs to this database, and does from now on where it belonged to none.

        While the storage does not answer it is as it was last.

        Raises:
            DatabaseUnavailable: PostgreSQL does not answer, and never did.
            StorageFailed: The storage does not, and never did.
        """
        if self._is_ours and time.monotonic() - self._asked_at < _KNOWN_SECONDS:
            return True
        try:
            is_ours = await self._ask()
        except (StorageFailed, DatabaseUnavailable):
            if self._is_ours is None:
                raise
            is_ours = self._is_ours
        if not is_ours and self._is_ours is not False:
            _logger.warning("storage of another database", reason=_ANOTHERS)
        elif is_ours and self._is_ours is False:
            _logger.info("storage adopted")
        self._is_ours, self._asked_at = is_ours, time.monotonic()
        return is_ours

    async def check(self) -> None:
        """Return if the storage belongs to this database.

        Raises:
            StorageOfAnother: It belongs to another one.
            DatabaseUnavailable: As ``is_ours``.
            StorageFailed: As ``is_ours``.
        """
        if not await self.is_ours():
            raise StorageOfAnother(_ANOTHERS)

    async def look(self) -> bool:
        """Whether it belongs to this database or to none; it stays as it is. Raises ``StorageFailed`` and the like."""
        async with _within(self._patience_seconds):
            ours = await self._places.database()
            return ours is None or await self._storage.owner() in (ours, None)

    async def adopt(self) -> None:
        """Have the storage belong to this database, whoever had it before. Raises ``StorageFailed`` and the like."""
        async with _within(self._patience_seconds):
            ours = await self._places.database()
            if ours is not None:
                await self._storage.claim(ours, replace=True)

    async def _ask(self) -> bool:
        async with _within(self._patience_seconds):
            ours = await self._places.database()
            return ours is None or await self._storage.claim(ours) == ours


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    """A storage that says nothing may keep a question waiting for ever, and with it runs that are to be started."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise StorageFailed("The storage does not say in time which database it belongs to.") from error
