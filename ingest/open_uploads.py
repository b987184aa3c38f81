"""The requests that bring this process bytes of uploads: so many at a time.

Each that is a whole upload has a lease while it lives: it can't go on elsewhere, so nobody else may wait long for a
process that died, and its row expires in seconds. Senders may vanish by the thousand at once. Their rows are closed
together, beside the requests, so that the connections to the database are left to those who are still there.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import structlog

from contracts.errors import DatabaseUnavailable
from contracts.refusals import RefusalCode, Refused
from database.upload_leases import UploadLeases
from ingest.renewing import RENEWALS

_CLOSED_AT_ONCE: Final = 500

_logger = structlog.stdlib.get_logger(__name__)


class OpenUploads:
    """Counts them, renews their leases, and closes the rows of those that broke.

    Args:
        leases: Of the rows.
        most: How many there may be at a time.
        most_of_one: How many of them may be one user's.
        lease_seconds: How long a row outlives its process.
        pause_seconds: Before a database that was away is asked again to close rows.
    """

    def __init__(
        self, leases: UploadLeases, *, most: int, most_of_one: int, lease_seconds: float, pause_seconds: float = 1.0
    ) -> None:
        self._pause_seconds = pause_seconds
        self._leases = leases
        self._most = most
        self._most_of_one = most_of_one
        self._lease_seconds = lease_seconds
        self._count: Counter[str] = Counter()
        self._held: set[UUID] = set()
        self._broken: dict[UUID, str] = {}
        self._keeping: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    @contextmanager
    def counted(self, user_id: str) -> Iterator[None]:
        """One more of this user's, for as long as the block lasts. Raises ``Refused`` where that is too many."""
        if self._count[user_id] >= self._most_of_one:
            raise Refused(
                RefusalCode.TOO_MANY_UPLOADS,
                f"{self._most_of_one} of your uploads are on their way here, and that is as many as one user may have "
                "at a time. Upload the video in a moment.",
            )
        if self._count.total() >= self._most:
            raise Refused(
                RefusalCode.TOO_MANY_UPLOADS,
                f"{self._most} uploads are on their way here, and that is as many as are taken at a time. "
                "Upload the video in a moment.",
            )
        self._count[user_id] += 1
        try:
            yield
        finally:
            self._count -= Counter({user_id: 1})  # which forgets those who have none

    def hold(self, video_id: UUID) -> None:
        """Renew the row's lease from now on."""
        self._held.add(video_id)
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep())

    def let_go(self, video_id: UUID) -> None:
        """Renew it no more."""
        self._held.discard(video_id)

    def broke(self, video_id: UUID, reason: str) -> None:
        """Close the row with this reason, soon. Where the process dies before, the row's lease ends it."""
        self.let_go(video_id)
        self._broken[video_id] = reason
        if self._closing is None or self._closing.done():
            self._closing = asyncio.create_task(self._close())

    async def settle(self) -> None:
        """Return when every row is closed. Cancelled, it leaves the others to their leases."""
        if self._closing is not None:
            await self._closing

    async def _keep(self) -> None:
        while self._held:
            try:
                await self._leases.extend(self._held, self._lease_seconds)
            except DatabaseUnavailable as error:
                _logger.warning("leases of uploads not renewed", reason=str(error), uploads=len(self._held))
            await asyncio.sleep(self._lease_seconds / RENEWALS)

    async def _close(self) -> None:
        while self._broken:
            some = dict(list(self._broken.items())[:_CLOSED_AT_ONCE])
            try:
                await self._leases.interrupt(some)
            except DatabaseUnavailable as error:
                _logger.warning("broken uploads not closed yet", reason=str(error), uploads=len(self._broken))
                await asyncio.sleep(self._pause_seconds)
                continue
            for video_id in some:
                del self._broken[video_id]
