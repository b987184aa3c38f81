"""From one storage to another while the service runs: each file copied, compared by hash, and passed over next time."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from contracts.errors import OriginalMissing, StorageFailed, WorkMissing
from contracts.storage_keys import ORIGINALS_PREFIX, PROCESSED_PREFIX
from storage.filesystem import off_loop
from storage.hashing import sha256_of
from storage.modified import modified_at
from storage.protocol import Storage

MOVED: Final = (ORIGINALS_PREFIX, PROCESSED_PREFIX)
"""Work files stay: a run ends where it began, or makes them anew."""


class Outcome(StrEnum):
    """What became of a file."""

    COPIED = "copied"
    THERE = "there already"
    NEWER_THERE = "another and newer there, left as it is"


@dataclass(frozen=True)
class Moved:
    """A file that was looked at.

    Attributes:
        key: Its key, the same in both.
        size_bytes: Its size.
        outcome: What became of it.
    """

    key: str
    size_bytes: int
    outcome: Outcome


async def copy_all(source: Storage, target: Storage, *, compare_all: bool = False) -> AsyncIterator[Moved]:
    """Copy every original and published file that does not stand in ``target`` yet; nothing is removed from ``source``.

    Running it again goes on where it was ended, as a file stands in a storage whole or not at all. One that differs and
    is newer than the source's is none of these copies, which are compared as they are made: a run published it, or an
    import brought its original once more, where the service works in ``target`` already. It is left as it is.

    Args:
        source: Where the files are.
        target: Where they shall be.
        compare_all: Whether files that stand there already are compared by their hash as well, not by their size alone.

    Raises:
        StorageFailed: One of the two refused, or a copy is not what was copied; that one was removed.
    """
    await target.check()  # makes the folders of a disk
    for prefix in MOVED:
        async for file in source.listed(prefix):
            standing = await target.size(file.key)
            if standing == file.size_bytes and not (compare_all and await _differ(source, target, file.key)):
                yield Moved(file.key, file.size_bytes, Outcome.THERE)
            elif standing is not None and await modified_at(target, file.key) > file.modified:
                yield Moved(file.key, file.size_bytes, Outcome.NEWER_THERE)
            else:
                if standing is not None:
                    await target.delete(file.key)
                with contextlib.suppress(OriginalMissing, WorkMissing):  # deleted since it was listed
                    await _copy(source, target, file.key)
                    yield Moved(file.key, file.size_bytes, Outcome.COPIED)


async def _copy(source: Storage, target: Storage, key: str) -> None:
    async with source.fetch(key) as path, target.create(key) as part:
        await off_loop(_place, path, part)
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
