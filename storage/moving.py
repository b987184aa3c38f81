"""From one storage to another while the service runs: each file copied, compared by hash, and passed over next time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.errors import OriginalMissing, StorageFailed, WorkMissing
from contracts.storage_keys import ORIGINALS_PREFIX, PROCESSED_PREFIX
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

    Running it again goes on where it was ended, in the midst of a file, too. No copy of one is kept on this machine, so
    no room is needed for any. A file stands in a storage whole or not at all. One that differs and
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
                outcome = await _copy(source, target, file.key)
                if outcome is not None:
                    yield Moved(file.key, file.size_bytes, outcome)


async def _copy(source: Storage, target: Storage, key: str) -> Outcome | None:
    """What became of it; None where it was deleted since it was listed."""
    try:
        digest = await target.take_over(key, await source.served(key))
    except (OriginalMissing, WorkMissing):
        return None
    except StorageFailed:
        if await source.size(key) is None:
            return None
        raise
    if digest is None:  # a run, an import, or another command has just put one there
        return Outcome.NEWER_THERE if await _differ(source, target, key) else Outcome.THERE
    if await sha256_of(target, key) != digest:
        await target.delete(key)
        raise StorageFailed(
            f"{key} did not arrive as it was sent. Run it again; if it happens again, look at the disks."
        )
    return Outcome.COPIED


async def _differ(source: Storage, target: Storage, key: str) -> bool:
    return await sha256_of(source, key) != await sha256_of(target, key)
