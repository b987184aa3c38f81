"""Remove stored files that no row is to have: what a process left that was killed, or a run that was terminated.

Everything that is young stays, whatever it is: it may be on its way. What bears no video's id is not ours and stays,
too. Originals and published files of which no row speaks go only if they came while this database knew the storage,
which begins anew with each start of PostgreSQL: after a restore, or beside another database than ever before, they may
be all that is left of a video. So may an original that is whole under a row that says it never came.
Not so those of a video that was deleted here, as of one whose copy in a new storage was made before, nor what was begun
of a file that stays.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Final
from uuid import UUID

import structlog

from contracts.errors import DatabaseUnavailable, StorageFailed
from contracts.status import VideoStatus
from contracts.storage_keys import ORIGINALS_PREFIX, PROCESSED_PREFIX, WORK_PREFIX, edition_of
from database.backlog import Backlog
from database.editions import Edition, Editions, is_wanted
from database.tables import Video
from runs.editions import remove_edition
from runs.unfinished import WHY, begun_before, nobody_finishes, remove_unfinished
from storage.protocol import Kept, Storage

log = structlog.stdlib.get_logger("sweep")

MOST_REMOVED: Final = 1000
_ASKED_AT_ONCE: Final = 500
_CLOCKS_DIFFER: Final = timedelta(hours=1)
"""So much the clock of the storage may be ahead, and a file from before is still taken for one."""


@dataclass(frozen=True)
class Stray:
    """Files of one video in one place that it is not to have.

    Attributes:
        video_id: The video, which may never have been.
        prefix: The place: ``originals/``, ``work/`` or ``processed/``.
        keys: The files.
        size_bytes: Of all of them.
        why: In words.
        came_before: Whether they came before this database knew the storage, and are not removed by themselves.
        takes_retry: Whether they are the whole original of an import whose row says that it never came: retried, it
            is made of that.
        young_since: When the newest of them came, where that is so lately that no pass removes them; else None.
        are_parts: Whether they stay themselves, and only what was begun of them goes.
    """

    video_id: UUID
    prefix: str
    keys: frozenset[str]
    size_bytes: int
    why: str
    came_before: bool = False
    takes_retry: bool = False
    young_since: datetime | None = None
    are_parts: bool = False


@dataclass
class SweepReport:
    """What a pass came to.

    Attributes:
        removed: Videos whose stray files went, counted for each place.
        size_bytes: How much that was.
        failed: How many of them the storage did not let go, or not in time.
    """

    removed: int = 0
    size_bytes: int = 0
    failed: int = 0


class Sweeper:
    """Looks for stray files, and removes them.

    Args:
        editions: The rows, and which published files they are to have.
        backlog: The rows, many at a time.
        storage: The files.
        older_than: What has a file that came since is not removed.
        known_since: When the database began to know the storage; asked after each look at rows.
    """

    def __init__(
        self,
        editions: Editions,
        backlog: Backlog,
        storage: Storage,
        older_than: timedelta,
        known_since: Callable[[], Awaitable[datetime]],
    ) -> None:
        self._editions = editions
        self._backlog = backlog
        self._storage = storage
        self._older_than = older_than
        self._known_since = known_since

    async def run(self, most: int = MOST_REMOVED, *, from_before: bool = False) -> SweepReport:
        """One pass, which removes the stray files of so many videos at most.

        Args:
            most: So many.
            from_before: Whether also those go that came before the database knew the storage.

        Raises:
            StorageFailed: It can't be listed.
            DatabaseUnavailable: PostgreSQL does not answer; nothing is removed without it.
        """
        report = SweepReport()
        async for stray in self.strays():
            if report.removed + report.failed >= most:
                break
            if stray.came_before and not from_before:
                continue
            try:
                size_bytes = await self._remove(stray)
                if size_bytes is not None:
                    report.removed += 1
                    report.size_bytes += size_bytes
            except (StorageFailed, DatabaseUnavailable) as error:
                report.failed += 1
                log.warning("stray_not_removed", video_id=str(stray.video_id), reason=str(error))
                if isinstance(error, DatabaseUnavailable):
                    await self._known_since()  # raises, too, where it was not just this row that took too long
            except Exception:
                report.failed += 1
                log.exception("stray_not_removed", video_id=str(stray.video_id))
        return report

    async def strays(self, *, also_young: bool = False) -> AsyncIterator[Stray]:
        """What a pass would remove now, and what it would if it were told to. Raises as ``run`` does.

        Args:
            also_young: Also what no pass removes yet, as it came lately, where it may be all that is left of a video:
                finished files of which no row speaks, or whose row says that they never came.
        """
        for prefix in (ORIGINALS_PREFIX, WORK_PREFIX, PROCESSED_PREFIX):
            some: dict[UUID, list[Kept]] = {}
            async for kept in self._storage.kept(prefix):
                video_id = _video_id(kept.key, prefix)
                if video_id is None:
                    continue
                if video_id not in some and len(some) >= _ASKED_AT_ONCE:
                    for stray in await self._strays_of(prefix, some, also_young=also_young):
                        yield stray
                    some = {}
                some.setdefault(video_id, []).append(kept)
            for stray in await self._strays_of(prefix, some, also_young=also_young):
                yield stray

    async def _strays_of(self, prefix: str, some: Mapping[UUID, list[Kept]], *, also_young: bool) -> list[Stray]:
        before = datetime.now(UTC) - self._older_than
        newest = {video_id: max(file.modified for file in files) for video_id, files in some.items()}
        looked_at = [video_id for video_id in some if also_young or newest[video_id] < before]
        begun = {video_id: parts for video_id, files in some.items() if (parts := begun_before(files, before))}
        if not looked_at and not begun:
            return []
        rows = await self._backlog.rows([*looked_at, *begun])
        former = await self._editions.former(looked_at)
        deleted = await self._backlog.deleted([video_id for video_id in looked_at if video_id not in rows])
        since = await self._known_since()  # last: it is now where the rows were put back before they were read
        strays = []
        for video_id in looked_at:
            row, files = rows.get(video_id), some[video_id]
            found = _not_wanted(prefix, frozenset(file.key for file in files), row, former.get(video_id, set()))
            if found is None:
                continue
            came_before = any(file.modified < since + _CLOCKS_DIFFER for file in files)
            is_whole = came_before and prefix == ORIGINALS_PREFIX and row is not None and await self._is_whole(row)
            is_nobodys = prefix != WORK_PREFIX and row is None and video_id not in deleted
            is_young = newest[video_id] >= before
            if is_young and not (is_whole or (is_nobodys and await self._has_any(found.keys))):
                continue
            begun.pop(video_id, None)
            strays.append(
                Stray(
                    video_id,
                    prefix,
                    found.keys,
                    _bytes_of(file for file in files if file.key in found.keys),
                    found.why,
                    came_before=came_before and (is_nobodys or is_whole),
                    takes_retry=is_whole and row is not None and row.source_url is not None,
                    young_since=newest[video_id] if is_young else None,
                )
            )
        return strays + [
            Stray(video_id, prefix, frozenset(part.key for part in parts), _bytes_of(parts), WHY, are_parts=True)
            for video_id, parts in begun.items()
            if nobody_finishes(prefix, rows.get(video_id))
        ]

    async def _is_whole(self, row: Video) -> bool:
        """Whether the original is, or can't be told not to be."""
        try:
            return await self._storage.size(row.original_key) is not None
        except Exception:
            log.exception("original_not_looked_at", video_id=str(row.id))
            return True

    async def _has_any(self, keys: Collection[str]) -> bool:
        """Whether one of them is finished, and still there: of what is just being deleted the row may be gone."""
        for key in sorted(keys):
            if await self._storage.size(key) is not None:
                return True
        return False

    async def _remove(self, stray: Stray) -> int | None:
        """How many bytes went; None where nothing did, as the row has changed since, or is gone.

        It is held, so nobody retries the video meanwhile.
        """
        if stray.are_parts:
            return await self._remove_parts(stray)
        async with self._editions.held(stray.video_id) as (row, former):
            found = _not_wanted(stray.prefix, stray.keys, row, former)
            if found is None or found.why != stray.why:
                return None
            if stray.prefix == ORIGINALS_PREFIX:
                for key in sorted(found.keys):
                    await self._storage.delete(key)
            elif row is not None and row.status == VideoStatus.READY and stray.prefix == PROCESSED_PREFIX:
                for number in sorted({edition_of(key) for key in found.keys}):
                    await remove_edition(self._storage, Edition(stray.video_id, number))
            else:
                await self._storage.delete_folder(f"{stray.prefix}{stray.video_id}/")
        _note_removed(stray, stray.size_bytes)
        return stray.size_bytes

    async def _remove_parts(self, stray: Stray) -> int | None:
        async with self._editions.held(stray.video_id) as (row, _):
            if not nobody_finishes(stray.prefix, row):
                return None
            before = datetime.now(UTC) - self._older_than
            size_bytes = await remove_unfinished(self._storage, stray.keys, before)
        if size_bytes is not None:
            _note_removed(stray, size_bytes)
        return size_bytes


def _note_removed(stray: Stray, size_bytes: int) -> None:
    video_id = str(stray.video_id)
    log.info("stray_removed", video_id=video_id, place=stray.prefix, size_bytes=size_bytes, reason=stray.why)


def _bytes_of(files: Iterable[Kept]) -> int:
    return sum(file.size_bytes for file in files)


def _video_id(key: str, prefix: str) -> UUID | None:
    """Whose file it is: originals are named by the id, the others are in a folder of that name."""
    name = key.removeprefix(prefix)
    first = PurePosixPath(name).name.partition(".")[0] if prefix == ORIGINALS_PREFIX else name.partition("/")[0]
    try:
        video_id = UUID(first)
    except ValueError:
        return None
    return video_id if str(video_id) == first else None


@dataclass(frozen=True)
class _NotWanted:
    keys: frozenset[str]
    why: str


def _not_wanted(prefix: str, keys: frozenset[str], row: Video | None, former: Collection[int]) -> _NotWanted | None:
    """Which of a video's files in one place its row is not to have, and why in words; None where it is to have all."""
    if prefix == PROCESSED_PREFIX and row is not None and row.status == VideoStatus.READY:
        keys = frozenset(key for key in keys if not is_wanted(row, edition_of(key), former))
        return _NotWanted(keys, "it was made anew since") if keys else None
    why = _why_not_wanted(prefix, row)
    return None if why is None else _NotWanted(keys, why)


def _why_not_wanted(prefix: str, row: Video | None) -> str | None:
    if row is None:
        return "there is no such video"
    if prefix == ORIGINALS_PREFIX:
        never_came = row.status == VideoStatus.ERROR and row.uploaded_at is None
        return "not all of it ever came" if never_came else None
    is_running = row.status == VideoStatus.PROCESSING or row.is_reprocessing
    return None if is_running else f"the video is in {row.status}"
