"""What became of everything that was sent, by rows and files, past the api."""

import asyncio
import hashlib
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from contracts.errors import DatabaseUnavailable, OriginalMissing, StorageFailed
from contracts.status import VideoStatus
from contracts.storage_keys import FIRST_EDITION
from database.engine import Database
from database.tables import Video
from runs.sweep import Sweeper
from runs.verify import Fault, Verifier
from storage.protocol import Storage
from tests.fixtures.clips import Clip, Clips
from tests.soak.making_anew import MadeAnew, Making, wrong_with
from tests.storage.known import always

FAULTS: Final = (
    *("lost", "duplicated", "stuck", "stray", "mismatched", "cancels that did not hold", "wrongly ended"),
    "wrongly made anew",
)
ON_ITS_WAY: Final = "on their way"

_END_WITHIN_SECONDS: Final = 600.0
_PAUSE_SECONDS: Final = 0.5
_ON_THEIR_WAY: Final = (VideoStatus.UPLOADING, VideoStatus.PROCESSING, VideoStatus.DELETING)
_OF_ANY_AGE: Final = timedelta(seconds=-60)
_MOST_ROWS: Final = 100_000
_MOST_EVENTS: Final = 100
"""Of one video."""


@dataclass
class Sent:
    """An upload that was acknowledged, and what was asked for it after that.

    Attributes:
        video_id: Its video.
        clip: Which file.
        door: How it came.
        cancel_asked: Whether a cancel was asked for. If the answer that accepted it was lost, the next one refuses it.
        cancel_held: Whether it was accepted.
        deleted: Whether a delete was.
        made_anew: What was asked and seen of it when it was ready; None where it was left as it was.
        all_asked: Whether nothing more is asked for it.
    """

    video_id: str
    clip: Clip
    door: str
    cancel_asked: bool = False
    cancel_held: bool = False
    deleted: bool = False
    made_anew: MadeAnew | None = None
    all_asked: bool = False


class Counting:
    """Counts.

    Args:
        database: The rows.
        storage: The files.
        clips: What was sent.
        bad: Of those, which end in an error, and in which.
    """

    def __init__(self, database: Database, storage: Storage, clips: Clips, bad: Mapping[Clip, str]) -> None:
        self._database = database
        self._storage = storage
        self._clips = clips
        self._bad = bad
        self._sweeper = Sweeper(database.editions, database.backlog, storage, _OF_ANY_AGE, always)

    async def on_their_way(self) -> int:
        """How many videos have not ended."""
        counted = await self._database.videos.count_by_status()
        running = await self._database.events.running(user_ids=None, video_ids=(), limit=_MOST_ROWS)
        return sum(counted[status] for status in _ON_THEIR_WAY) + sum(video.is_reprocessing for video in running)

    async def look(self, sent: Sequence[Sent]) -> Counter[str]:
        """Count what can be said by the rows while it still goes on."""
        sent = tuple(sent)
        asked = tuple(one for one in sent if one.all_asked)
        rows = await self._rows()
        counted = Counter({"acknowledged": len(sent)})
        for one in asked:
            row = rows.get(UUID(one.video_id))
            is_on_its_way = row is not None and row.status in _ON_THEIR_WAY
            counted[ON_ITS_WAY if is_on_its_way else self._fate(one, row)] += 1
            counted[Making.FINISHED] += row is not None and row.published_edition != FIRST_EDITION
        counted[ON_ITS_WAY] += len(sent) - len(asked)
        return counted

    async def count(self, sent: Sequence[Sent]) -> Counter[str]:
        """Wait until nothing is on its way any more, within bounds, and count."""
        counted = Counter(
            {"acknowledged": len(sent), **dict.fromkeys(("ready", "coded errors", "deleted", *Making, *FAULTS), 0)}
        )
        deadline = time.monotonic() + _END_WITHIN_SECONDS
        counted["stuck"] = await self._left_at(deadline, self.on_their_way)
        counted["stray"] = await self._left_at(deadline, partial(self._strays, sent))
        counted["mismatched"] = await self._damaged()
        rows = await self._rows()
        counted["duplicated"] = len(sent) - len({one.video_id for one in sent})
        known = {UUID(one.video_id) for one in sent}
        others = [row for row in rows.values() if row.id not in known and row.error_code != "upload_interrupted"]
        counted["duplicated"] += len(others)
        for one in sent:
            fate = self._fate(one, rows.get(UUID(one.video_id)))
            counted[fate] += 1
            if fate in FAULTS:
                print(f"{fate}: {one} {rows.get(UUID(one.video_id))!r}", file=sys.stderr)  # noqa: T201
            elif fate != "deleted":
                counted["mismatched"] += not await self._is_as_sent(one, rows[UUID(one.video_id)])
            if one.made_anew is not None:
                counted[await self._made_anew(one, one.made_anew, rows.get(UUID(one.video_id)))] += 1
        counted["looks at what was made anew"] = sum(one.made_anew.looks for one in sent if one.made_anew is not None)
        return counted

    def _fate(self, sent: Sent, row: Video | None) -> str:
        if sent.deleted:
            return "deleted" if row is None else "wrongly ended"
        if row is None:
            return "lost"
        if sent.cancel_asked and row.error_code == "cancelled":
            return "coded errors"
        if sent.cancel_held:
            return "cancels that did not hold"
        wanted = self._bad.get(sent.clip)
        if row.status == VideoStatus.READY and wanted is None:
            return "ready"
        return "coded errors" if row.error_code is not None and row.error_code == wanted else "wrongly ended"

    async def _left_at(self, deadline: float, ask: Callable[[], Awaitable[int]]) -> int:
        """How many are left once there are none, or at the deadline."""
        while True:
            try:
                left = await ask()
                if not left or time.monotonic() > deadline:
                    return left
            except (DatabaseUnavailable, StorageFailed):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _strays(self, sent: Sequence[Sent]) -> int:
        """Of which videos files are there that no row is to have, or is to have but for a while."""
        former = await self._database.editions.former([UUID(one.video_id) for one in sent if one.made_anew is not None])
        return len(former) + len([stray async for stray in self._sweeper.strays()])

    async def _damaged(self) -> int:
        """How many files are not as their rows say, the published ones among them."""
        verifier = Verifier(self._database.backlog, self._storage, self._sweeper, hashes=True)
        found = [one async for one in verifier.discrepancies() if one.fault != Fault.TOO_MUCH]
        for one in found:
            print(f"mismatched: {one}", file=sys.stderr)  # noqa: T201
        return len(found)

    async def _made_anew(self, sent: Sent, made: MadeAnew, row: Video | None) -> str:
        events = await self._database.events.after(0, limit=_MOST_EVENTS, video_id=UUID(sent.video_id))
        wrong = wrong_with(made, row, events)
        for sentence in wrong:
            print(f"wrongly made anew: {sent.video_id}, {made.wanted}: {sentence}", file=sys.stderr)  # noqa: T201
        if wrong:
            return "wrongly made anew"
        if row is None:
            return Making.DELETED
        return Making.FINISHED if row.reprocess_error_code is None else Making.CANCELLED

    async def _rows(self) -> dict[UUID, Video]:
        page = await self._database.videos.list_page(None, limit=_MOST_ROWS, after=None)
        return {row.id: row for row in page.videos}

    async def _is_as_sent(self, sent: Sent, row: Video) -> bool:
        if row.uploaded_at is None:  # an import that was cancelled before it was fetched
            return row.source_url is not None
        try:
            async with self._storage.fetch(row.original_key) as path:
                found = await asyncio.to_thread(path.read_bytes)
        except OriginalMissing:
            return False
        content = await asyncio.to_thread(self._clips.path(sent.clip).read_bytes)
        told = row.content_sha256 in {None, hashlib.sha256(content).hexdigest()}
        return told and found == content
