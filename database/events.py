"""Every query on what happened. Each method is one transaction."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.status import VideoStatus
from database.changes import is_reprocessing
from database.tables import Event, Video


@dataclass(frozen=True)
class StoredEvent:
    """Something that happened to a video.

    Attributes:
        id: Larger than that of every event before it.
        type: Of ``contracts.event_types``.
        user_id: Whose video it is.
        video_id: Of the video.
        video: Its row as it was then, by column.
        created_at: When.
    """

    id: int
    type: str
    user_id: str
    video_id: UUID
    video: dict[str, Any]
    created_at: datetime


class Events:
    """The queries. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        """Take the way to open a transaction, ``Database.transaction``."""
        self._transaction = transaction

    async def ends(self) -> tuple[int, int]:
        """Ids of the oldest and the newest event that are kept; (1, 0) when there is none."""
        query = select(func.coalesce(func.min(col(Event.id)), 1), func.coalesce(func.max(col(Event.id)), 0))
        async with self._transaction() as session:
            oldest, newest = (await session.execute(query)).one()
        return oldest or 1, newest or 0

    async def after(
        self, event_id: int, *, limit: int, user_id: str | None = None, video_id: UUID | None = None
    ) -> list[StoredEvent]:
        """Events after that one, in their order; of one user, of one video, or all."""
        query = select(Event).where(col(Event.id) > event_id).order_by(col(Event.id)).limit(limit)
        if user_id is not None:
            query = query.where(col(Event.user_id) == user_id)
        if video_id is not None:
            query = query.where(col(Event.video_id) == video_id)
        async with self._transaction() as session:
            return [stored(row) for row in await session.scalars(query)]

    async def newest(self, limit: int) -> list[StoredEvent]:
        """The last ones, in their order."""
        query = select(Event).order_by(col(Event.id).desc()).limit(limit)
        async with self._transaction() as session:
            return [stored(row) for row in list(await session.scalars(query))[::-1]]

    async def forget(self, keep: timedelta, *, limit: int) -> int:
        """Remove events that are older by the database's clock, the oldest first; the newest of all stays.

        Returns:
            How many.
        """
        newest = select(func.max(col(Event.id))).scalar_subquery()
        old = select(col(Event.id)).where(col(Event.created_at) < func.now() - keep, col(Event.id) < newest)
        query = (
            delete(Event).where(col(Event.id).in_(old.order_by(col(Event.id)).limit(limit))).returning(col(Event.id))
        )
        async with self._transaction() as session:
            return len(list(await session.scalars(query)))

    async def running(
        self, *, user_ids: Collection[str] | None, video_ids: Collection[UUID], limit: int
    ) -> Sequence[Video]:
        """Videos that a run makes, of these users (None: of all) or of these ids.

        Those of the ids are always among them. Of the others there are ``limit`` at most: users take turns, and of one
        user's those come first that wait longest.
        """
        is_named = col(Video.id).in_(video_ids)
        in_turn = (_waits_since(), col(Video.id))
        turn = func.row_number().over(partition_by=(is_named, col(Video.user_id)), order_by=in_turn)
        asked = select(col(Video.id), is_named.label("is_named"), turn.label("turn"), _waits_since().label("since"))
        asked = asked.where(or_(col(Video.status) == VideoStatus.PROCESSING, is_reprocessing()))
        if user_ids is not None:
            asked = asked.where(or_(col(Video.user_id).in_(user_ids), is_named))
        row = asked.subquery()
        query = select(Video).join(row, row.c.id == col(Video.id))
        query = query.order_by(row.c.is_named.desc(), row.c.turn, row.c.since).limit(limit + len(video_ids))
        async with self._transaction() as session:
            found = list(await session.scalars(query))
        return found[: limit + sum(video.id in video_ids for video in found)]


def _waits_since() -> ColumnElement[datetime]:
    return case((is_reprocessing(), col(Video.reprocess_asked_at)), else_=col(Video.created_at))


def stored(row: Event) -> StoredEvent:
    """The row as a value."""
    return StoredEvent(
        id=row.id or 0,
        type=row.type,
        user_id=row.user_id,
        video_id=row.video_id,
        video=row.video,
        created_at=row.created_at,
    )
