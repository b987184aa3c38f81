"""Remove stored files that no row is to have: what a process left that was killed, or a run that was terminated.

Everything that is young stays, whatever it is: somebody may be about to write its row. What bears no video's id is not
ours and stays, too. Originals and published files of which no row speaks go only if they came while this database knew
the storage: after a restore, or beside another database than ever before, they may be all that is left of a video.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Final
from uuid import UUID

import structlog

from contracts.errors import StorageFailed
from contracts.status import VideoStatus
from contracts.storage_keys import ORIGINALS_PREFIX, PROCESSED_PREFIX, WORK_PREFIX
from database.backlog import Backlog
from database.tables import Video
from database.videos import Videos
from storage.protocol import Kept, Storage

log = structlog.stdlib.get_logger("sweep")

MOST_REMOVED: Final = 1000
_ASKED_AT_ONCE: Final = 500
_WANT_WORK: Final = {VideoStatus.PROCESSING}
_WANT_PUBLISHED: Final = {VideoStatus.PROCESSING, VideoStatus.READY}


@dataclass(frozen=True)
class Stray:
    """Files of one video in one place that it is not to have.

    Attributes:
        video_id: The video, which may never have been.
        prefix: The place: ``originals/``, ``work/`` or ``processed/``.
        keys: The files.
        size_bytes: Of all of them, as far as that is known.
        why: In words.
        came_before: Whether they came before this database knew the storage, and are not removed by themselves.
    """

    video_id: UUID
    prefix: str
    keys: frozenset[str]
    size_bytes: int
    why: str
    came_before: bool = False


@dataclass
class SweepReport:
    """What a pass came to.

    Attributes:
        removed: Videos whose stray files went, counted for each place.
        size_bytes: How much that was.
        failed: How many of them the storage did not let go.
    """

    removed: int = 0
    size_bytes: int = 0
    failed: int = 0


class Sweeper:
    """Looks for stray files, and removes them.

    Args:
        videos: The rows.
        backlog: The same, many at a time.
        storage: The files.
        older_than: Files that came since are left alone.
        known_since: When the database began to know the storage; asked for once a pass.
    """

    def __init__(
        self,
        videos: Videos,
        backlog: Backlog,
        storage: Storage,
        older_than: timedelta,
        known_since: Callable[[], Awaitable[datetime]],
    ) -> None:
        self._videos = videos
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
                if await self._remove(stray):
                    report.removed += 1
                    report.size_bytes += stray.size_bytes
            except StorageFailed as error:
                report.failed += 1
                log.warning("stray_not_removed", video_id=str(stray.video_id), reason=str(error))
        return report

    async def strays(self) -> AsyncIterator[Stray]:
        """What a pass would remove now, and what it would if it were told to. Raises as ``run`` does."""
        since = await self._known_since()
        for prefix in (ORIGINALS_PREFIX, WORK_PREFIX, PROCESSED_PREFIX):
            some: dict[UUID, list[Kept]] = {}
            async for kept in self._storage.kept(prefix):
                video_id = _video_id(kept.key, prefix)
                if video_id is None:
                    continue
                if video_id not in some and len(some) >= _ASKED_AT_ONCE:
                    for stray in await self._strays_of(prefix, some, since):
                        yield stray
                    some = {}
                some.setdefault(video_id, []).append(kept)
            for stray in await self._strays_of(prefix, some, since):
                yield stray

    async def _strays_of(self, prefix: str, some: Mapping[UUID, list[Kept]], since: datetime) -> list[Stray]:
        before = datetime.now(UTC) - self._older_than
        old = {video_id: files for video_id, files in some.items() if all(file.modified < before for file in files)}
        if not old:
            return []
        rows = await self._backlog.rows(list(old))
        strays = []
        for video_id, files in old.items():
            why = _why_not_wanted(prefix, rows.get(video_id))
            if why is not None:
                size_bytes = sum(file.size_bytes for file in files)
                keys = frozenset(file.key for file in files)
                is_precious = prefix != WORK_PREFIX and video_id not in rows
                came_before = is_precious and any(file.modified < since for file in files)
                strays.append(Stray(video_id, prefix, keys, size_bytes, why, came_before))
        return strays

    async def _remove(self, stray: Stray) -> bool:
        """False where the row wants the files by now. It is held, so nobody retries the video meanwhile."""
        async with self._videos.held(stray.video_id) as row:
            if _why_not_wanted(stray.prefix, row) is None:
                return False
            if stray.prefix == ORIGINALS_PREFIX:
                for key in sorted(stray.keys):
                    await self._storage.delete(key)
            else:
                await self._storage.delete_folder(f"{stray.prefix}{stray.video_id}/")
        log.info(
            "stray_removed",
            video_id=str(stray.video_id),
            place=stray.prefix,
            size_bytes=stray.size_bytes,
            reason=stray.why,
        )
        return True


def _video_id(key: str, prefix: str) -> UUID | None:
    """Whose file it is: originals are named by the id, the others are in a folder of that name."""
    name = key.removeprefix(prefix)
    first = PurePosixPath(name).name.partition(".")[0] if prefix == ORIGINALS_PREFIX else name.partition("/")[0]
    try:
        video_id = UUID(first)
    except ValueError:
        return None
    return video_id if str(video_id) == first else None


def _why_not_wanted(prefix: str, row: Video | None) -> str | None:
    """Why the row is not to have files there, in words; None where it is."""
    if row is None:
        return "there is no such video"
    if prefix == ORIGINALS_PREFIX:
        never_came = row.status == VideoStatus.ERROR and row.uploaded_at is None
        return "not all of it ever came" if never_came else None
    wanted = row.status in (_WANT_WORK if prefix == WORK_PREFIX else _WANT_PUBLISHED)
    return None if wanted else f"the video is in {row.status}"
