"""A file that has its full size from the beginning, and holds as much of its content as was asked for."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from contracts.errors import StorageFailed
from storage.filesystem import told_as_storage_failed
from storage.side_by_side import side_by_side
from threads.files import off_loop

BLOCK_BYTES: Final = 16 * 1024
"""What is fetched at least."""
_PIECE_BYTES: Final = 16 * 1024 * 1024

_AT_ONCE: Final = 4
_SMALL_BYTES: Final = 1024 * 1024
_SMALL_AT_ONCE: Final = 16
"""Of small pieces it is the way to the bucket that takes the time, and not the bytes."""

ReadRange = Callable[[int, int], Awaitable[bytes]]
"""Fetches the bytes from the first number up to the second."""


class SparseFile:
    """One such file. Its ``missing`` and ``fill`` are called by one at a time, who holds ``filling``.

    Args:
        path: Where it is.
        size_bytes: Of the whole.

    Attributes:
        held_bytes: How much of it is here.
        users: How many read it now.
        used_at: When the last of them had done, by the monotonic clock.
        filling: Held by whoever looks what is missing and fetches it.
    """

    def __init__(self, path: Path, size_bytes: int) -> None:
        self.path = path
        self.size_bytes = size_bytes
        self.held_bytes = 0
        self.users = 0
        self.used_at = 0.0
        self.filling = asyncio.Lock()
        self._held = bytearray(-(-size_bytes // BLOCK_BYTES))

    def create(self) -> None:
        """Make it, all of it a hole."""
        with told_as_storage_failed("keep a copy", self.path.parent), self.path.open("wb") as file:
            file.truncate(self.size_bytes)

    def hold_all(self) -> None:
        """Every byte is here already."""
        self._held = bytearray(b"\1" * len(self._held))
        self.held_bytes = self.size_bytes

    def missing(self, *ranges: tuple[int, int]) -> list[tuple[int, int]]:
        """What is not here of these ranges, in whole blocks, each once and none too long for a request."""
        found: list[tuple[int, int]] = []
        for block in self._blocks(ranges):
            if self._held[block]:
                continue
            first, last = block * BLOCK_BYTES, min((block + 1) * BLOCK_BYTES, self.size_bytes)
            if found and found[-1][1] == first and last - found[-1][0] <= _PIECE_BYTES:
                found[-1] = (found[-1][0], last)
            else:
                found.append((first, last))
        return found

    def _blocks(self, ranges: Sequence[tuple[int, int]]) -> list[int]:
        """Their numbers, ascending, each once."""
        blocks = [range(begin // BLOCK_BYTES, -(-min(end, self.size_bytes) // BLOCK_BYTES)) for begin, end in ranges]
        return sorted({block for some in blocks for block in some}) if len(blocks) > 1 else list(*blocks)

    async def fill(self, ranges: Sequence[tuple[int, int]], read: ReadRange) -> None:
        """Fetch these ranges, a few at a time; what came before a failure is kept.

        Raises:
            StorageFailed: They can't be read, or the disk refused.
        """
        with told_as_storage_failed("keep a copy", self.path.parent):
            descriptor = await off_loop(os.open, self.path, os.O_WRONLY)

        async def fetch(begin: int, end: int) -> None:
            content = await read(begin, end)
            if len(content) != end - begin:
                raise StorageFailed(f"{len(content)} bytes came of a file instead of {end - begin}.")
            with told_as_storage_failed("keep a copy", self.path.parent):
                await off_loop(write_at, descriptor, content, begin)
            for block in range(begin // BLOCK_BYTES, -(-end // BLOCK_BYTES)):
                self._held[block] = 1
            self.held_bytes += end - begin

        try:
            are_small = all(end - begin <= _SMALL_BYTES for begin, end in ranges)
            works = [partial(fetch, begin, end) for begin, end in ranges]
            await side_by_side(works, at_once=_SMALL_AT_ONCE if are_small else _AT_ONCE)
        finally:
            os.close(descriptor)


def write_at(descriptor: int, content: bytes | memoryview, begin: int) -> None:
    """Write all of it there, however often a disk takes only a part. Raises ``OSError``."""
    rest = memoryview(content)
    while rest:
        written = os.pwrite(descriptor, rest, begin)
        rest, begin = rest[written:], begin + written
