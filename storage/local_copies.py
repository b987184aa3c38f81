"""Copies of a bucket's files on this machine: each byte fetched once, however many steps read it, and within a bound.

A copy has the size of the file from the beginning, and holds as much of it as was needed so far; the rest are holes.

Every process has a folder of its own. A lock on a file in it tells the others that it lives, so what a killed process
left is removed by the next one that starts on the same scratch.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from storage.filesystem import off_loop, told_as_storage_failed
from storage.private_folder import make_private
from storage.sparse_file import ReadRange, SparseFile

_PREFIX: Final = "copies-"
_LOCK: Final = "lock"
_DOING: Final = "keep a copy"


class LentCopy:
    """A copy while it is lent: ``contracts.partial_file.PartialFile``.

    Args:
        copies: Whose.
        file: The copy.
        read: Fetches bytes of the file.
    """

    def __init__(self, copies: "LocalCopies", file: SparseFile, read: ReadRange) -> None:
        self._copies = copies
        self._file = file
        self._read = read
        self.path = file.path
        self.size_bytes = file.size_bytes

    @property
    def is_whole(self) -> bool:
        """Whether every byte is here."""
        return self._file.held_bytes == self.size_bytes

    async def need(self, *ranges: tuple[int, int]) -> None:
        """Have the bytes of each range here. Raises ``StorageFailed``."""
        async with self._file.filling:
            missing = self._file.missing(*ranges)
            if missing:
                await self._copies.make_room(sum(last - first for first, last in missing))
                await self._file.fill(missing, self._read)

    async def need_all(self) -> None:
        """Have all of it here. Raises ``StorageFailed``."""
        await self.need((0, self.size_bytes))


class LocalCopies:
    """Lends copies; those that were used longest ago go when there is no room for more.

    Args:
        scratch: Where the folder of this process is made.
        most_bytes: So many are kept at most. What is lent counts and can't go, so a single larger file goes beyond it.
    """

    def __init__(self, scratch: Path, most_bytes: int) -> None:
        self._scratch = scratch
        self._folder = scratch / f"{_PREFIX}{secrets.token_hex(8)}"
        self._most_bytes = most_bytes
        self._lock: int | None = None
        self._opening = asyncio.Lock()
        self._files: dict[str, SparseFile] = {}

    @asynccontextmanager
    async def lend(self, name: str, size_bytes: int, read: ReadRange) -> AsyncIterator[LentCopy]:
        """The copy called ``name``, for as long as the block lasts.

        Args:
            name: Another one for every other content.
            size_bytes: Of the file.
            read: Fetches bytes of it.
        """
        await self._opened()
        if name not in self._files:
            file = SparseFile(self._folder / secrets.token_hex(8), size_bytes)
            await off_loop(file.create)
            file = self._files.setdefault(name, file)
        self._files[name] = file = self._files.pop(name)  # the newest last
        file.users += 1
        try:
            yield LentCopy(self, file, read)
        finally:
            file.users -= 1

    @asynccontextmanager
    async def part(self) -> AsyncIterator[Path]:
        """A path to write a file to that is not known by a name yet; what is left there goes with the block."""
        await self._opened()
        path = self._folder / secrets.token_hex(8)
        try:
            yield path
        finally:
            await off_loop(path.unlink, missing_ok=True)

    async def adopt(self, name: str, path: Path, size_bytes: int) -> None:
        """Take a file of ``part`` over as the copy called ``name``: who made it needs not fetch it."""
        if name in self._files:
            return
        file = SparseFile(self._folder / secrets.token_hex(8), size_bytes)
        await off_loop(path.rename, file.path)
        file.hold_all()
        self._files[name] = file
        await self.make_room(0)

    async def make_room(self, size_bytes: int) -> None:
        """Remove copies that nobody uses until so many bytes fit, as far as that goes."""
        for name, file in list(self._files.items()):
            held = sum(kept.held_bytes for kept in self._files.values())
            if held + size_bytes <= self._most_bytes:
                return
            if file.users == 0 and self._files.pop(name, None) is not None:
                await off_loop(file.path.unlink, missing_ok=True)

    async def folder(self) -> Path:
        """Where this process may have files without names."""
        await self._opened()
        return self._folder

    async def close(self) -> None:
        """Remove all."""
        if self._lock is None:
            return
        lock, self._lock = self._lock, None
        await off_loop(shutil.rmtree, self._folder, ignore_errors=True)
        os.close(lock)

    async def _opened(self) -> None:
        async with self._opening:
            if self._lock is None:
                self._lock = await off_loop(self._open)

    def _open(self) -> int:
        with told_as_storage_failed(_DOING, self._scratch):
            make_private(self._scratch)
            for left in self._scratch.glob(f"{_PREFIX}*"):
                _remove_if_left(left)
            self._folder.mkdir(0o700)
            lock = os.open(self._folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            return lock


def _remove_if_left(folder: Path) -> None:
    """Remove the folder of a process that is gone; one that has no lock yet is just being made."""
    with contextlib.suppress(OSError):
        lock = os.open(folder / _LOCK, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
