"""Copies of a bucket's files on this machine: each fetched once, however many steps read it, and within a bound.

Every process has a folder of its own. A lock on a file in it tells the others that it lives, so what a killed process
left is removed by the next one that starts on the same scratch.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from storage.filesystem import off_loop, told_as_storage_failed

_PREFIX: Final = "copies-"
_LOCK: Final = "lock"
_DOING: Final = "keep a copy"


@dataclass
class _Copy:
    path: Path
    size_bytes: int
    is_whole: bool = False
    users: int = 0
    filling: asyncio.Lock = field(default_factory=asyncio.Lock)


class LocalCopies:
    """Lends copies; those that were used longest ago go when there is no room for another.

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
        self._copies: dict[str, _Copy] = {}

    @asynccontextmanager
    async def lend(self, name: str, size_bytes: int, fill: Callable[[Path], Awaitable[None]]) -> AsyncIterator[Path]:
        """The copy called ``name``, for as long as the block lasts.

        Args:
            name: Another one for every other content.
            size_bytes: Of the file.
            fill: Writes it to the path that it is given, where there is no copy yet; one at a time for each name.
        """
        await self._opened()
        copy = self._copies.setdefault(name, _Copy(self._folder / secrets.token_hex(8), size_bytes))
        copy.users += 1
        try:
            async with copy.filling:
                if not copy.is_whole:
                    await self._fill(copy, fill)
            self._copies[name] = self._copies.pop(name, copy)  # the newest last
            yield copy.path
        finally:
            copy.users -= 1
            if not copy.is_whole and copy.users == 0:
                self._copies.pop(name, None)

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
        if name in self._copies:
            return
        kept = self._folder / secrets.token_hex(8)
        await off_loop(path.rename, kept)
        self._copies[name] = _Copy(kept, size_bytes, is_whole=True)
        await self._make_room(0)

    async def forget(self, *names: str) -> None:
        """Remove copies that nobody uses."""
        for name in names:
            copy = self._copies.get(name)
            if copy is not None and copy.users == 0:
                del self._copies[name]
                await off_loop(copy.path.unlink, missing_ok=True)

    async def close(self) -> None:
        """Remove all."""
        if self._lock is None:
            return
        lock, self._lock = self._lock, None
        await off_loop(shutil.rmtree, self._folder, ignore_errors=True)
        os.close(lock)

    async def _fill(self, copy: _Copy, fill: Callable[[Path], Awaitable[None]]) -> None:
        await self._make_room(copy.size_bytes)
        part = copy.path.with_name(copy.path.name + ".part")
        try:
            await fill(part)
            await off_loop(part.rename, copy.path)
        finally:
            await off_loop(part.unlink, missing_ok=True)
        copy.is_whole = True

    async def _make_room(self, size_bytes: int) -> None:
        held = sum(copy.size_bytes for copy in self._copies.values() if copy.is_whole)
        for name, copy in list(self._copies.items()):
            if held + size_bytes <= self._most_bytes:
                return
            if copy.users == 0 and copy.is_whole:
                held -= copy.size_bytes
                await self.forget(name)

    async def _opened(self) -> None:
        async with self._opening:
            if self._lock is None:
                self._lock = await off_loop(self._open)

    def _open(self) -> int:
        with told_as_storage_failed(_DOING, self._scratch):
            self._scratch.mkdir(parents=True, exist_ok=True)
            for left in self._scratch.glob(f"{_PREFIX}*"):
                _remove_if_left(left)
            self._folder.mkdir()
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
