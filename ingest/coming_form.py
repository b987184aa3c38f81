"""The room that one upload in a single request takes: kept for it while it comes, and looked at again meanwhile."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from contracts.errors import DatabaseUnavailable, StorageFailed
from contracts.refusals import RefusalCode, Refused
from contracts.sizes import size_text
from ingest.room import Coming, Room

_LOOK_EVERY_BYTES: Final = 8 * 1024 * 1024


class ComingForm:
    """Knows how much is still to come, as far as it was told; where nothing was, the next bytes have their room.

    Args:
        room: What all uploads share.
        declared_bytes: How much is to come; 0 where the request does not say it.
    """

    def __init__(self, room: Room, declared_bytes: int) -> None:
        self._room = room
        self._declared_bytes = declared_bytes
        self._coming = Coming(declared_bytes or _LOOK_EVERY_BYTES)
        self._looked_at_bytes = 0

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the room for it for as long as the block lasts."""
        with self._room.kept_for(self._coming):
            yield

    async def check(self) -> None:
        """Raise ``Refused`` where it does not fit, before it begins. Raises ``DatabaseUnavailable``."""
        with contextlib.suppress(StorageFailed):  # a disk that can not tell refuses the file, as its row then says
            await self._check()

    async def arrived(self, size_bytes: int) -> None:
        """So much is here in all: raise ``Refused`` where the disk is too full for the rest meanwhile.

        What does not answer ends no upload: it can't go on elsewhere.
        """
        self._coming.size_bytes = (
            max(self._declared_bytes - size_bytes, 0) if self._declared_bytes else _LOOK_EVERY_BYTES
        )
        if size_bytes - self._looked_at_bytes < _LOOK_EVERY_BYTES:
            return
        self._looked_at_bytes = size_bytes
        with contextlib.suppress(StorageFailed, DatabaseUnavailable):
            await self._check()

    async def _check(self) -> None:
        left_bytes = await self._room.left_bytes(but_for=self._coming)
        if left_bytes is None or self._coming.size_bytes <= left_bytes:
            return
        told = size_text(self._coming.size_bytes) if self._declared_bytes else "more bytes, nobody said how many,"
        raise Refused(
            RefusalCode.NO_ROOM,
            f"{told[0].upper()}{told[1:]} are to come, and {self._room.sentence_of(left_bytes)} Upload them later, or "
            "have videos deleted.",
        )
