"""Rows of videos that are being deleted. Nobody sees them, and only what deletes their files asks for them."""

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from sqlalchemy import ColumnElement, delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.errors import StatusConflict
from contracts.status import SEEN_STATUSES, VideoStatus
from database.backlog import due_in
from database.changes import compare_and_set, in_hand
from database.tables import IdempotencyKey, Video


class Deletions:
    """The queries. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        """Take the way to open a transaction, ``Database.transaction``."""
        self._transaction = transaction

    async def begin(self, video_id: UUID, among: Collection[VideoStatus] = SEEN_STATUSES) -> bool:
        """One of these ``-> deleting``: nobody sees the video from now on, and neither upload nor run can change it.

        Its idempotency key is free again.

        Returns:
            Whether this call did it; False where the row is in another status, being deleted already, or gone.
        """
        values = {
            "status": VideoStatus.DELETING,
            "upload_expires_at": None,
            "upload_lease": None,
            "upload_lease_until": None,
            **in_hand(),
        }
        async with self._transaction() as session:
            if await compare_and_set(session, video_id, among, values) is None:
                return False
            await session.execute(delete(IdempotencyKey).where(col(IdempotencyKey.video_id) == video_id))
        return True

    async def due(self, *, limit: int) -> list[Video]:
        """Videos whose deletion is to be looked at, the longest due first."""
        query = due_in(_is_deleting(), limit=limit)
        async with self._transaction() as session:
            return list(await session.scalars(query))

    async def check(self, video_id: UUID) -> None:
        """Return if the files of this video may go: it is being deleted, or its row is gone.

        Raises:
            StatusConflict: There is such a video, and nobody has deleted it.
        """
        async with self._transaction() as session:
            video = await session.get(Video, video_id)
        if video is not None and video.status != VideoStatus.DELETING:
            raise StatusConflict(f"Video {video_id} is not being deleted: it is in {video.status}.")

    async def finish(self, video_id: UUID) -> None:
        """Remove the row of a video that is being deleted. Gone already is a success."""
        async with self._transaction() as session:
            await session.execute(delete(Video).where(col(Video.id) == video_id, _is_deleting()))


def _is_deleting() -> ColumnElement[bool]:
    return col(Video.status) == VideoStatus.DELETING
