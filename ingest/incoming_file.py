"""One file on its way from the client to storage: its row, its bytes, its size and its SHA-256."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from contracts.refusals import RefusalCode, Refused
from database.records import NewVideo
from storage.protocol import OriginalWriter, Storage

_BATCH_BYTES: Final = 2 * 1024 * 1024
_BATCH_PIECES: Final = 256
"""However small they are: each takes memory of its own."""


@dataclass(frozen=True)
class ReceivedFile:
    """A file of which every byte is written.

    Attributes:
        video: What its row was made from; the row is still ``uploading``.
        size_bytes: How many bytes there were.
        sha256: Of them, as 64 hexadecimal digits.
    """

    video: NewVideo
    size_bytes: int
    sha256: str


class IncomingFile:
    """Takes a file: the row first, then the bytes, written off the event loop in batches.

    A batch is the pieces as the socket gave them: a copy into fresh memory costs more than the hash. One batch is
    written while the next is received, so memory is bounded by two batches and a slow disk slows down the client
    instead of filling memory.

    Args:
        storage: Where the file goes.
        describe: Checks the file name and makes a row's content from it.
        insert: Inserts the row in ``uploading``.
        check_size: Raises ``Refused`` once the file is larger than accepted.

    Attributes:
        video: What the row is made from; set before it is inserted, so that it is known whatever happens then.
    """

    def __init__(
        self,
        storage: Storage,
        describe: Callable[[str], NewVideo],
        insert: Callable[[NewVideo], Awaitable[object]],
        check_size: Callable[[int], None],
    ) -> None:
        self._storage = storage
        self._describe = describe
        self._insert = insert
        self._check_size = check_size
        self._writer: OriginalWriter | None = None
        self._batch: list[memoryview] = []
        self._batch_bytes = 0
        self._writing: asyncio.Task[None] | None = None
        self._size_bytes = 0
        self.video: NewVideo | None = None

    async def begin(self, filename: str) -> None:
        """Insert the row, then open the file. Raises ``Refused``, ``DatabaseUnavailable`` or ``StorageFailed``."""
        self.video = self._describe(filename)
        await self._insert(self.video)
        self._writer = await self._storage.create_original(self.video.original_key)

    async def write(self, piece: memoryview) -> None:
        """Take the next bytes. Raises ``Refused`` past the limit, ``StorageFailed`` when the disk refuses."""
        self._size_bytes += len(piece)
        self._check_size(self._size_bytes)
        self._batch.append(piece)
        self._batch_bytes += len(piece)
        if self._batch_bytes >= _BATCH_BYTES or len(self._batch) >= _BATCH_PIECES:
            await self._write_batch()

    async def complete(self) -> ReceivedFile:
        """Write what is left. Raises ``Refused`` for an empty file, ``StorageFailed``."""
        if self.video is None or self._writer is None or self._size_bytes == 0:
            raise Refused(RefusalCode.FILE_EMPTY, "The file has no bytes.")
        await self._write_batch()
        await self._written()
        return ReceivedFile(self.video, self._size_bytes, self._writer.sha256 or "")

    async def commit(self) -> None:
        """Make the file durable and visible. Raises ``StorageFailed``."""
        if self._writer is not None:
            await self._writer.commit()

    async def discard(self) -> None:
        """Leave no byte of the file, also after ``commit``. Raises ``StorageFailed``."""
        if self._writing is not None:
            await asyncio.wait({self._writing})  # a thread can't be stopped: closing the file under it is worse
            if not self._writing.cancelled():
                self._writing.exception()
            self._writing = None
        self._batch.clear()
        if self._writer is not None:
            await self._writer.discard()
        if self.video is not None:
            await self._storage.delete(self.video.original_key)

    async def _write_batch(self) -> None:
        await self._written()
        if self._writer is not None and self._batch:
            batch, self._batch, self._batch_bytes = self._batch, [], 0
            self._writing = asyncio.create_task(self._writer.write(*batch))

    async def _written(self) -> None:
        """Wait for the batch before this one. Waiting, unlike awaiting it, does not pass a cancellation on."""
        if self._writing is not None:
            await asyncio.wait({self._writing})
            writing, self._writing = self._writing, None
            writing.result()
