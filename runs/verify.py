"""Compare rows and stored files: what is missing, damaged or too much, and what can be made again.

It is for the day after a restore, when the database may be older than the files or the other way round, and for disks
that are not trusted. It reads; what it finds is for its caller to act on.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from contracts.errors import OriginalMissing, WorkMissing
from contracts.status import VideoStatus
from contracts.storage_keys import ORIGINALS_PREFIX, THUMBNAIL_NAME, VIDEO_NAME, processed_key
from database.backlog import Backlog
from database.tables import Video
from runs.sweep import Stray, Sweeper
from storage.hashing import sha256_of
from storage.protocol import Storage

_PAGE_ROWS: Final = 200


class Fault(StrEnum):
    """What is wrong with a file."""

    MISSING = "missing"
    ANOTHER_SIZE = "another size"
    ANOTHER_CONTENT = "another content"
    TOO_MUCH = "too much"


@dataclass(frozen=True)
class Discrepancy:
    """A file that is not as the row says.

    Attributes:
        video_id: The video, which may never have been.
        key: The file, or the folder of files that are too much.
        fault: What is wrong.
        told: The same, in a sentence.
        repairable: Whether the file can be made again from its original.
    """

    video_id: UUID
    key: str
    fault: Fault
    told: str
    repairable: bool = False


@dataclass(frozen=True)
class _Expected:
    key: str
    size_bytes: int | None
    sha256: str | None


class Verifier:
    """Compares.

    Args:
        backlog: The rows.
        storage: The files.
        sweeper: Knows what is too much.
        hashes: Whether files are read and their SHA-256 compared, not their sizes alone.
    """

    def __init__(self, backlog: Backlog, storage: Storage, sweeper: Sweeper, *, hashes: bool) -> None:
        self._backlog = backlog
        self._storage = storage
        self._sweeper = sweeper
        self._hashes = hashes
        self.compared = 0
        """Videos so far."""

    async def discrepancies(self) -> AsyncIterator[Discrepancy]:
        """One after the other, by video; what is too much comes last, also what came too lately for a sweep.

        Raises:
            DatabaseUnavailable: As is.
            StorageFailed: As is.
        """
        after: UUID | None = None
        while rows := await self._backlog.page(after, limit=_PAGE_ROWS):
            for video in rows:
                async for found in self._of(video):
                    yield found
                self.compared += 1
            after = rows[-1].id
        async for stray in self._sweeper.strays(also_young=True):
            key = next(iter(stray.keys)) if len(stray.keys) == 1 else f"{stray.prefix}{stray.video_id}/"
            yield Discrepancy(stray.video_id, key, Fault.TOO_MUCH, _what_is_too_much(stray))

    async def _of(self, video: Video) -> AsyncIterator[Discrepancy]:
        if video.uploaded_at is None or video.status == VideoStatus.DELETING:
            return
        original = _Expected(video.original_key, video.file_size_bytes, video.content_sha256)
        found = [(original, await self._fault(original))]
        if video.status == VideoStatus.READY:
            found += [(published, await self._fault(published)) for published in _published(video)]
        if not any(fault for _, fault in found) or await self._has_changed(video):
            return
        (_, of_original), *_ = found
        for expected, fault in found:
            if fault is not None:
                told, repairable = _outlook(expected.key, video, original_is_sound=of_original is None)
                yield Discrepancy(video.id, expected.key, fault, told, repairable=repairable)

    async def _has_changed(self, video: Video) -> bool:
        """Whether the row was changed or deleted since it was read, so that its files may be others by now."""
        now = (await self._backlog.rows([video.id])).get(video.id)
        return now is None or now.updated_at != video.updated_at

    async def _fault(self, expected: _Expected) -> Fault | None:
        size_bytes = await self._storage.size(expected.key)
        if size_bytes is None:
            return Fault.MISSING
        if expected.size_bytes not in {None, size_bytes}:
            return Fault.ANOTHER_SIZE
        if not self._hashes or expected.sha256 is None:
            return None
        try:
            return None if await sha256_of(self._storage, expected.key) == expected.sha256 else Fault.ANOTHER_CONTENT
        except (OriginalMissing, WorkMissing):  # deleted since
            return Fault.MISSING


def _what_is_too_much(stray: Stray) -> str:
    """Why no video is to have it, and what can be done about it."""
    why = stray.why
    if stray.are_parts:
        return f"{why}; `rushes sweep` removes them"
    way = "`rushes sweep --all` removes it" if stray.came_before else "`rushes sweep` removes it"
    if stray.young_since is not None:
        minutes = max(0, round((datetime.now(UTC) - stray.young_since).total_seconds() / 60))
        why += f", but it came {minutes} min ago, and may be on its way"
        way += " once it is RUSHES_SWEEP_AGE_SECONDS old"
    if stray.takes_retry:
        way = f"yet it is whole: `rushes retry {stray.video_id}` makes the video of it, {way}"
    return f"{why}; {way}"


def _published(video: Video) -> tuple[_Expected, _Expected]:
    video_id, edition = str(video.id), video.published_edition
    return (
        _Expected(processed_key(video_id, VIDEO_NAME, edition), video.published_bytes, video.published_sha256),
        _Expected(processed_key(video_id, THUMBNAIL_NAME, edition), video.thumbnail_bytes, video.thumbnail_sha256),
    )


def _outlook(key: str, video: Video, *, original_is_sound: bool) -> tuple[str, bool]:
    """What can be done about a file, in words, and whether the original is all that it needs."""
    if key.startswith(ORIGINALS_PREFIX):
        kept = "what is published stays" if video.status == VideoStatus.READY else "the video can't be processed"
        return f"it can't be made again, only uploaded: {kept}", False
    if not original_is_sound:
        plays = "; the video plays without it" if key.endswith(THUMBNAIL_NAME) else ""
        return f"nothing is left to make it from{plays}", False
    if video.is_reprocessing:
        return "it is being made again from the original", True
    return "it can be made again from the original", True
