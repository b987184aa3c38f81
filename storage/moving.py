"""From one storage to another while the service runs: each file copied, compared by hash, and passed over next time."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.errors import OriginalMissing, StorageFailed, WorkMissing
from contracts.storage_keys import ORIGINALS_PREFIX, PROCESSED_PREFIX
from storage.hashing import sha256_of
from storage.protocol import Storage

_MOVED: Final = (ORIGINALS_PREFIX, PROCESSED_PREFIX)
"""Work files stay: a run ends where it began, or makes them anew."""


@dataclass(frozen=True)
class Moved:
    """A file that was looked at.

    Attributes:
        key: Its key, the same in both.
        size_bytes: Its size.
        copied: Whether it was copied; False where it stood there already.
    """

    key: str
    size_bytes: int
    copied: bool


async def copy_all(source: Storage, target: Storage, *, compare_all: bool = False) -> AsyncIterator[Moved]:
    """Copy every original and published file that does not stand in ``target`` yet; nothing is removed.

    Running it again goes on where it was ended, as a file stands in a storage whole or not at all.

    Args:
        source: Where the files are.
        target: Where they shall be.
        compare_all: Whether files that stand there already are compared by their hash as well, not by their size alone.

    Raises:
        StorageFailed: One of the two refused, or a copy is not what was copied; that one was removed.
    """
    await target.check()  # makes the folders of a disk
    for prefix in _MOVED:
        async for key, size_bytes in source.listed(prefix):
            standing = await target.size(key)
            if standing == size_bytes and not (compare_all and await _differ(source, target, key)):
                yield Moved(key, size_bytes, copied=False)
                continue
            if standing is not None:
                await target.delete(key)
            with contextlib.suppress(OriginalMissing, WorkMissing):  # deleted since it was listed
                await _copy(source, target, key)
                yield Moved(key, size_bytes, copied=True)


async def _copy(source: Storage, target: Storage, key: str) -> None:
    async with source.fetch(key) as path, target.create(key) as part:
        await asyncio.to_thread(_place, path, part)
    if await _differ(source, target, key):
        await target.delete(key)
        raise StorageFailed(
            f"{key} did not arrive as it was sent. Run it again; if it happens again, look at the disks."
        )


async def _differ(source: Storage, target: Storage, key: str) -> bool:
    return await sha256_of(source, key) != await sha256_of(target, key)


def _place(path: Path, part: Path) -> None:
    """A second name where both are on one disk, else a copy."""
    try:
        os.link(path, part)
    except OSError:
        shutil.copyfile(path, part)
