"""Pieces as a socket gives them, written in batches: one is written while the next is received.

A batch is the pieces themselves: a copy into fresh memory costs more than the hash. So memory is bounded by two
batches, and a slow disk slows down the client instead of filling memory.
"""

import asyncio
from typing import Final

from storage.protocol import OriginalWriter

_BATCH_BYTES: Final = 2 * 1024 * 1024
_BATCH_PIECES: Final = 256
"""However small they are: each takes memory of its own."""


class Batches:
    """What is on its way to one writer.

    Args:
        writer: Where it goes.

    Attributes:
        size_bytes: How many bytes were taken.
    """

    def __init__(self, writer: OriginalWriter) -> None:
        self._writer = writer
        self._batch: list[memoryview] = []
        self._batch_bytes = 0
        self._writing: asyncio.Task[None] | None = None
        self.size_bytes = 0

    async def write(self, piece: memoryview) -> None:
        """Take the next bytes. Raises ``StorageFailed`` when those before them could not be written."""
        self.size_bytes += len(piece)
        self._batch.append(piece)
        self._batch_bytes += len(piece)
        if self._batch_bytes >= _BATCH_BYTES or len(self._batch) >= _BATCH_PIECES:
            await self._write_batch()

    async def flush(self) -> None:
        """Write what is left. Raises ``StorageFailed``."""
        await self._write_batch()
        await self._written()

    async def drop(self) -> None:
        """Forget what is left, once nothing is being written: a thread can't be stopped."""
        self._batch.clear()
        self._batch_bytes = 0
        if self._writing is not None:
            await asyncio.wait({self._writing})
            if not self._writing.cancelled():
                self._writing.exception()
            self._writing = None

    async def _write_batch(self) -> None:
        await self._written()
        if self._batch:
            batch, self._batch, self._batch_bytes = self._batch, [], 0
            self._writing = asyncio.create_task(self._writer.write(*batch))

    async def _written(self) -> None:
        """Wait for the batch before this one. Waiting, unlike awaiting it, does not pass a cancellation on."""
        if self._writing is not None:
            await asyncio.wait({self._writing})
            writing, self._writing = self._writing, None
            writing.result()
