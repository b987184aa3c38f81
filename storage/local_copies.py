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
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from contracts.errors import DiskHangs, StorageFailed
from storage.filesystem import is_of_a_full_disk, told_as_storage_failed
from storage.private_folder import make_private
from storage.sparse_file import ReadRange, SparseFile
from threads.files import off_loop, removed_afterwards

_PREFIX: Final = "copies-"
_LOCK: Final = "lock"
_DOING: Final = "keep a copy"
_KEPT_SECONDS: Final = 3600.0
_LOOKS: Final = 20
"""So often within that time it is looked which copies nobody has used."""
_LEFT_FREE_BYTES: Final = 1024**3
"""On a small disk, a tenth of it: what is made of a file needs room beside its copy."""


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
                try:
                    await self._file.fill(missing, self._read)
                except StorageFailed as error:
                    if not is_of_a_full_disk(error) or not await self._copies.drop_unused():
                        raise
                    await self._file.fill(self._file.missing(*ranges), self._read)

    async def need_all(self) -> None:
        """Have all of it here. Raises ``StorageFailed``."""
        await self.need((0, self.size_bytes))


class LocalCopies:
    """Lends copies; those that were used longest ago go when there is no room for more.

    Args:
        scratch: Where the folder of this process is made.
        most_bytes: So many are kept at most, and fewer where the disk has less room. What is lent counts and can't go,
            so a single larger file goes beyond it.
        kept_seconds: So long a copy stays that nobody uses: the file itself may be deleted by now.
    """

    def __init__(self, scratch: Path, most_bytes: int, kept_seconds: float = _KEPT_SECONDS) -> None:
        self._scratch = scratch
        self._folder = scratch  # one of its own below, when it is opened
        self._most_bytes = most_bytes
        self._kept_seconds = kept_seconds
        self._tidying: asyncio.Task[None] | None = None
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
        made = None
        if name not in self._files:
            made = SparseFile(self._folder / secrets.token_hex(8), size_bytes)
            await off_loop(made.create)
            self._files.setdefault(name, made)
        self._files[name] = file = self._files.pop(name)  # the newest last
        file.users += 1
        try:
            if made is not None and made is not file:  # somebody else was faster
                await off_loop(made.path.unlink, missing_ok=True)
            yield LentCopy(self, file, read)
        finally:
            file.users -= 1
            file.used_at = time.monotonic()

    @asynccontextmanager
    async def part(self) -> AsyncIterator[Path]:
        """A path to write a file to that is not known by a name yet; what is left there goes with the block."""
        await self._opened()
        await self.make_room(0)
        path = self._folder / secrets.token_hex(8)
        async with removed_afterwards(path):
            try:
                yield path
            except DiskHangs:
                raise
            except Exception:
                if await off_loop(self._has_no_room_for, 0):  # the next attempt finds more
                    await self.drop_unused()
                raise

    async def adopt(self, name: str, path: Path, size_bytes: int) -> None:
        """Take a file of ``part`` over as the copy called ``name``: who made it needs not fetch it."""
        if name in self._files:
            return
        file = SparseFile(self._folder / secrets.token_hex(8), size_bytes)
        await off_loop(path.rename, file.path)
        file.hold_all()
        file.used_at = time.monotonic()
        if self._files.setdefault(name, file) is not file:
            await off_loop(file.path.unlink, missing_ok=True)
        await self.make_room(0)

    async def make_room(self, size_bytes: int) -> None:
        """Remove copies that nobody uses until so many bytes fit, as far as that goes."""
        for name, file in list(self._files.items()):
            held = sum(kept.held_bytes for kept in self._files.values())
            if held + size_bytes <= self._most_bytes and not await off_loop(self._has_no_room_for, size_bytes):
                return
            await self._drop(name, file)

    async def drop_unused(self, for_seconds: float = 0) -> bool:
        """Remove the copies that nobody used for so long; whether there were any."""
        until = time.monotonic() - for_seconds
        unused = [(name, file) for name, file in self._files.items() if file.users == 0 and file.used_at <= until]
        for name, file in unused:
            await self._drop(name, file)
        return bool(unused)

    async def folder(self) -> Path:
        """Where this process may have files without names."""
        await self._opened()
        return self._folder

    async def close(self) -> None:
        """Remove all."""
        if self._lock is None:
            return
        lock, self._lock = self._lock, None
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.wait({self._tidying})
        await off_loop(shutil.rmtree, self._folder, ignore_errors=True)
        os.close(lock)

    async def _opened(self) -> None:
        async with self._opening:
            if self._lock is None:
                self._lock = await off_loop(self._open)
                self._tidying = asyncio.create_task(self._tidy())

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(self._kept_seconds / _LOOKS)
            with contextlib.suppress(OSError):
                await self.drop_unused(self._kept_seconds)

    async def _drop(self, name: str, file: SparseFile) -> None:
        if file.users == 0 and self._files.pop(name, None) is not None:
            await off_loop(file.path.unlink, missing_ok=True)

    def _has_no_room_for(self, size_bytes: int) -> bool:
        """Whether the disk would have less than its share left."""
        with told_as_storage_failed(_DOING, self._folder):
            disk = shutil.disk_usage(self._folder)
        return disk.free - size_bytes < min(_LEFT_FREE_BYTES, disk.total // 10)

    def _open(self) -> int:
        with told_as_storage_failed(_DOING, self._scratch):
            make_private(self._scratch)
            for left in self._scratch.glob(f"{_PREFIX}*"):
                _remove_if_left(left)
            while True:
                self._folder = self._scratch / f"{_PREFIX}{secrets.token_hex(8)}"
                self._folder.mkdir(0o700)
                path = self._folder / _LOCK
                lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
                fcntl.flock(lock, fcntl.LOCK_EX)
                if path.exists():
                    return lock
                os.close(lock)  # another process that starts locked it first, and took the folder for left


def _remove_if_left(folder: Path) -> None:
    """Remove the folder of a process that is gone; one that has no lock yet is just being made."""
    with contextlib.suppress(OSError):
        lock = os.open(folder / _LOCK, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
