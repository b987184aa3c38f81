"""What came of uploads and fills no part of a bucket yet: in files of this machine, and in memory only on its way.

A part has eight MiB and more, and a thousand uploads may come at once: with a slow bucket they would take gigabytes of
memory.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Final

from contracts.errors import StorageFailed
from storage.filesystem import told_as_storage_failed
from storage.local_copies import LocalCopies
from storage.sparse_file import write_at
from threads.files import off_loop

MOST_BYTES_IN_MEMORY: Final = 128 * 1024 * 1024
_DOING: Final = "keep what arrived"


class Spool:
    """The last bytes of one upload: a file without a name, which goes with its process. One caller at a time.

    Args:
        folder: Where it is made.

    Attributes:
        size_bytes: How many.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self.size_bytes = 0

    def append(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Write these after the others. Raises ``StorageFailed``."""
        with told_as_storage_failed(_DOING, self._folder):
            if self._file is None:
                # Without a buffer of its own, which on a full disk could not be closed.
                self._file = tempfile.TemporaryFile(buffering=0, dir=self._folder)  # noqa: SIM115  longer than a block
            for piece in pieces:
                write_at(self._file.fileno(), piece, self.size_bytes)
                self.size_bytes += len(piece)

    def read(self, size_bytes: int) -> bytes:
        """The first of them. Raises ``StorageFailed``."""
        with told_as_storage_failed(_DOING, self._folder):
            content = b"" if self._file is None else os.pread(self._file.fileno(), size_bytes, 0)
        if len(content) != size_bytes:
            raise StorageFailed(f"{len(content)} bytes are in {self._folder} of {size_bytes} that were written there.")
        return content

    def take(self, size_bytes: int) -> bytes:
        """Take the first of them out. Raises ``StorageFailed``."""
        content = self.read(size_bytes)
        with told_as_storage_failed(_DOING, self._folder):
            if self._file is not None:
                rest = os.pread(self._file.fileno(), self.size_bytes - size_bytes, size_bytes)
                write_at(self._file.fileno(), rest, 0)
        self.size_bytes -= size_bytes
        return content

    def close(self) -> None:
        """Give its room back."""
        self.size_bytes = 0
        if self._file is not None:
            self._file.close()


class Spooling:
    """The spools of a process, and the memory that all of them share.

    Args:
        copies: Whose folder they are in.
        most_bytes: So much of them is in memory at most; a larger part is there alone.
    """

    def __init__(self, copies: LocalCopies, most_bytes: int = MOST_BYTES_IN_MEMORY) -> None:
        self._copies = copies
        self._most_bytes = most_bytes
        self._held_bytes = 0
        self._turn = asyncio.Lock()
        self._given_back = asyncio.Event()

    async def begin(self) -> Spool:
        """An empty one. Raises ``StorageFailed``."""
        return Spool(await self._copies.folder())

    async def hold(self, size_bytes: int) -> None:
        """Wait, in the order of asking, until so much fits into memory. ``give_back`` ends it."""
        async with self._turn:
            while self._held_bytes and self._held_bytes + size_bytes > self._most_bytes:
                self._given_back.clear()
                await self._given_back.wait()
            self._held_bytes += size_bytes

    def give_back(self, size_bytes: int) -> None:
        """So much is in memory no more."""
        self._held_bytes -= size_bytes
        self._given_back.set()

    @asynccontextmanager
    async def holding(self, size_bytes: int) -> AsyncIterator[None]:
        """So much may be in memory for as long as the block lasts. Who is in one must not wait for another."""
        await self.hold(size_bytes)
        try:
            yield
        finally:
            self.give_back(size_bytes)

    async def take(self, spool: Spool, size_bytes: int) -> bytes:
        """The first bytes of a spool, for which there is room; they are in memory until ``give_back``, or it fails."""
        try:
            return await off_loop(spool.take, size_bytes)
        except BaseException:
            self.give_back(size_bytes)
            raise
