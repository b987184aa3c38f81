"""A stack that dies where it is told to, and what has to be true once it has got over it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from contracts.status import VideoStatus
from database.engine import Database
from runs.sweep import Sweeper
from tests.failpoints.scenarios import Walk
from tests.fixtures.clips import Clips
from tests.fixtures.senders import Sender
from tests.fixtures.stack import Home, running
from tests.fixtures.stored import stored_files
from tests.storage.known import always
from tests.waiting import eventually

_ANSWERED_WITHIN_SECONDS: Final = 120.0
_WELL_WITHIN_SECONDS: Final = 120.0
"""A row that nobody could write is tried again after its step's 30 s."""

_OF_ANY_AGE: Final = timedelta(seconds=-60)


@dataclass(frozen=True)
class Trial:
    """A stack, and a look at what is behind it.

    Attributes:
        sender: Who sends.
        clips: What is sent.
        fatal: The file that says where the stack is to die.
        database: Its rows.
        sweeper: Finds files that no row is to have.
    """

    sender: Sender
    clips: Clips
    fatal: Path
    database: Database
    sweeper: Sweeper

    async def walk(self, walk: Walk, place: str) -> None:
        """Walk with a death at the place, and return once all is well; raises what is not."""

        async def arm() -> None:
            await asyncio.to_thread(self.fatal.write_text, place)

        try:
            async with asyncio.timeout(_ANSWERED_WITHIN_SECONDS):
                ended = await walk(self.sender, self.clips, arm)
            await eventually(self._died, bool, within_seconds=_WELL_WITHIN_SECONDS)
            await eventually(self._unwell, lambda found: not found, within_seconds=_WELL_WITHIN_SECONDS)
        finally:
            await asyncio.to_thread(self.fatal.unlink, missing_ok=True)
        row = await self.sender.ended(ended.video_id)
        assert (None if row is None else row["status"]) == ended.status, row
        assert (None if row is None else row["error_code"]) == ended.error_code, row
        assert (None if row is None else row["reprocess_error_code"]) == ended.reprocess_error_code, row
        assert row is None or ended.profile in {None, row["profile"]}, row
        await self._no_other_is_kept(ended.video_id)

    async def _died(self) -> bool:
        return not await asyncio.to_thread(self.fatal.exists)

    async def _unwell(self) -> list[str]:
        """Rows that have not ended, and files that no row is to have."""
        on_their_way = (VideoStatus.UPLOADING, VideoStatus.PROCESSING, VideoStatus.DELETING)
        counted = await self.database.videos.count_by_status()
        page = await self.database.videos.list_page(None, limit=100, after=None)
        rows = [f"{counted[status]} {status}" for status in on_their_way if counted[status]]
        running = await self.database.events.running(user_ids=None, video_ids=(), limit=100)
        former = await self.database.editions.former([video.id for video in page.videos])
        rows += [f"{video.id} is made" for video in running] + [f"{video_id}: former files" for video_id in former]
        return rows + [f"{stray.prefix}{stray.video_id}: {stray.why}" async for stray in self.sweeper.strays()]

    async def _no_other_is_kept(self, video_id: str) -> None:
        """What else a sender that tried again has left is an upload that says it never finished."""
        page = await self.database.videos.list_page(None, limit=100, after=None)
        others = [video for video in page.videos if video.id != UUID(video_id)]
        assert {video.error_code for video in others} <= {"upload_interrupted"}, others
        for video in page.videos:
            await self.sender.delete(str(video.id))
        await eventually(self._is_empty, bool, within_seconds=_WELL_WITHIN_SECONDS)

    async def _is_empty(self) -> bool:
        return not any((await self.database.videos.count_by_status()).values())


@asynccontextmanager
async def trial(home: Home, folder: Path, clips: Clips) -> AsyncIterator[Trial]:
    """The stack on the home, until the block ends."""
    fatal = folder / "fatal"
    home = home.with_settings(
        RUSHES_FAILPOINTS=f"@{fatal}",
        RUSHES_RECONCILE_INTERVAL_SECONDS="2",
        RUSHES_UPLOAD_LEASE_SECONDS="1",
        RUSHES_FORMER_FILES_SECONDS="1",
        RUSHES_PUBLISHED_SECONDS="1",  # as long as signed addresses hold, former files stay
    )
    async with AsyncExitStack() as resources:
        run = await resources.enter_async_context(running(home))
        database = Database(run.database, 2)
        resources.push_async_callback(database.dispose)
        storage = await resources.enter_async_context(stored_files(home, Path(run.uploads), folder / "looked at"))
        sweeper = Sweeper(database.editions, database.backlog, storage, _OF_ANY_AGE, always)
        sender = Sender([run.api], random.Random(1))  # noqa: S311 # there is but one to choose
        yield Trial(sender, clips, fatal, database, sweeper)
