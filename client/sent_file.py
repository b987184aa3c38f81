"""The file that is sent: its bytes, for as long as it is the file whose upload began."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from client.errors import FILE_CHANGED, RushesError

_BLOCK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class SentFile:
    """A file as it was when it was looked at.

    Attributes:
        path: Where it is.
        size: In bytes.
        changed_at_ns: When it was last written to, in nanoseconds of the clock of its disk.
    """

    path: Path
    size: int
    changed_at_ns: int

    @classmethod
    async def looked_at(cls, path: Path) -> "SentFile":
        """The file as it is now. Raises ``OSError``."""
        found = await asyncio.to_thread(path.stat)
        return cls(path, found.st_size, found.st_mtime_ns)

    async def blocks(self, begin: int, end: int, on_sent: Callable[[int, int], None]) -> AsyncGenerator[bytes]:
        """Its bytes from ``begin`` up to ``end``, a block at a time, each of which it had when it was looked at.

        Args:
            begin: Of the first byte.
            end: After the last one.
            on_sent: Told up to which byte it was sent, and of how many, once a block has been taken.

        Raises:
            RushesError: It was cut, or written to, since (``file_changed``).
            OSError: It can't be read.
        """
        with await asyncio.to_thread(self.path.open, "rb") as opened:
            opened.seek(begin)
            while begin < end:
                block = await asyncio.to_thread(self._read, opened, min(_BLOCK_BYTES, end - begin))
                yield block
                begin += len(block)
                on_sent(begin, self.size)

    def _read(self, opened: BinaryIO, most: int) -> bytes:
        block = opened.read(most)
        now = self.path.stat()  # after it was read: what is written to it later is in no block before
        if not block or (now.st_size, now.st_mtime_ns) != (self.size, self.changed_at_ns):
            raise RushesError(
                FILE_CHANGED,
                f"{self.path.name} changed while it was sent: it had {self.size} bytes, and has {now.st_size}. What "
                "arrived of it is of no use. Send it once more when nothing writes to it any more.",
            )
        return block
