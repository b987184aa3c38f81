"""From one storage to another while the service runs: each file copied, compared by hash, and passed over next time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.errors import OriginalMissing, StorageFailed, WorkMissing
from contracts.storage_keys import ORIGINALS_PREFIX, PROCESSED_PREFIX
from storage.hashing import sha256_of
from storage.modified import modified_at
from storage.moving_notes import MovingNotes
from storage.protocol import Kept, Storage

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


async def copy_all(
    source: Storage, target: Storage, *, compare_all: bool = False, replace: bool = False
) -> AsyncIterator[Moved]:
    """Copy every original and published file that does not stand in ``target`` yet; nothing is removed from ``source``.

    Running it again goes on where it was ended, in the midst of a file, too. No copy of one is kept on this machine, so
    no room is needed for any. A file stands in a storage whole or not at all. What is copied is compared by its hash
    before the next one is, and where an earlier command was killed, what it may not have compared is compared now.

    One that differs and is newer than the source's may be none of these copies: a run published it, or an import
    brought its original once more, where the service works in ``target`` already. Or it is one that was damaged there.
    Nobody can tell from here, so it is left as it is.

    Args:
        source: Where the files are.
        target: Where they shall be.
        compare_all: Whether files that stand there already are compared by their hash as well, not by their size alone.
        replace: Whether the source's takes the place of one that differs and is newer.

    Raises:
        StorageFailed: One of the two refused, or a copy is not what was copied; that one was removed.
    """
    await target.check()  # makes the folders of a disk
    notes = MovingNotes(target)
    await notes.read()
    moving = _Moving(source, target, notes, compare_all=compare_all, replace=replace)
    is_all_right = True
    for prefix in MOVED:
        async for file in source.listed(prefix):
            outcome = await moving.move(file)
            if outcome is not None:
                is_all_right &= outcome is not Outcome.NEWER_THERE
                yield Moved(file.key, file.size_bytes, outcome)
    await notes.remove(found=is_all_right)


class _Moving:
    """How each file goes. Arguments are those of ``copy_all``, and its notes."""

    def __init__(
        self, source: Storage, target: Storage, notes: MovingNotes, *, compare_all: bool, replace: bool
    ) -> None:
        self._source = source
        self._target = target
        self._notes = notes
        self._compare_all = compare_all
        self._replace = replace

    async def move(self, file: Kept) -> Outcome | None:
        """What became of it; None where it was deleted since it was listed."""
        try:
            standing = await self._target.size(file.key)
            return await (self._copy(file.key) if standing is None else self._look(file, standing))
        except (OriginalMissing, WorkMissing):
            return None
        except StorageFailed:
            if await self._source.size(file.key) is None:
                return None
            raise

    async def _look(self, file: Kept, standing_bytes: int) -> Outcome:
        """At one that stands there already."""
        has_its_size = standing_bytes == file.size_bytes
        if has_its_size and not (await self._is_to_be_compared(file.key) and await self._differ(file.key)):
            return Outcome.THERE
        if not self._replace and await modified_at(self._target, file.key) > file.modified:
            return Outcome.NEWER_THERE
        await self._target.delete(file.key)
        return await self._copy(file.key)

    async def _copy(self, key: str) -> Outcome:
        await self._notes.before_copying()
        digest = await self._target.take_over(key, await self._source.served(key))
        if digest is None:  # a run, an import, or another command has just put one there
            return Outcome.NEWER_THERE if await self._differ(key) else Outcome.THERE
        if await sha256_of(self._target, key) != digest:
            await self._target.delete(key)
            raise StorageFailed(
                f"{key} did not arrive as it was sent. Run it again; if it happens again, look at the disks."
            )
        return Outcome.COPIED

    async def _is_to_be_compared(self, key: str) -> bool:
        """Whether it is not enough that both are of one size."""
        return self._compare_all or await self._notes.leave_open(key)

    async def _differ(self, key: str) -> bool:
        return await sha256_of(self._source, key) != await sha256_of(self._target, key)
