"""Every query on whole cohorts of videos. Each method is one transaction."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.cohorts import FailedVideos, ReadyVideos
from contracts.status import VideoStatus
from database.clock import database_now
from database.tables import Video

_Conditions = list[ColumnElement[bool]]


class Cohorts:
    """The queries. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        """Take the way to open a transaction, ``Database.transaction``."""
        self._transaction = transaction

    async def now(self) -> datetime:
        """The time by the clock that also says when a video failed, or was to be made anew."""
        async with self._transaction() as session:
            return await database_now(session)

    async def count(self, wanted: FailedVideos) -> int:
        """How many there are."""
        return await self._count(_failed(wanted))

    async def some(self, wanted: FailedVideos, *, after: str | None, limit: int) -> Sequence[Video]:
        """Some of them, by their ids, from the one after ``after``."""
        return await self._some(_failed(wanted), after=after, limit=limit)

    async def count_ready(self, wanted: ReadyVideos) -> int:
        """How many there are."""
        return await self._count(_ready(wanted))

    async def some_ready(self, wanted: ReadyVideos, *, after: str | None, limit: int) -> Sequence[Video]:
        """Some of them, by their ids, from the one after ``after``."""
        return await self._some(_ready(wanted), after=after, limit=limit)

    async def _count(self, conditions: _Conditions) -> int:
        query = select(func.count()).select_from(Video).where(*conditions)
        async with self._transaction() as session:
            return await session.scalar(query) or 0

    async def _some(self, conditions: _Conditions, *, after: str | None, limit: int) -> Sequence[Video]:
        query = select(Video).where(*conditions).order_by(col(Video.id)).limit(limit)
        if after is not None:
            query = query.where(col(Video.id) > UUID(after))
        async with self._transaction() as session:
            return list(await session.scalars(query))


def _failed(wanted: FailedVideos) -> _Conditions:
    failed_at = func.coalesce(col(Video.failed_at), col(Video.updated_at))  # of what failed before it was kept
    return [
        col(Video.status) == VideoStatus.ERROR,
        col(Video.error_code) == wanted.error_code,
        failed_at >= datetime.fromisoformat(wanted.failed_after),
        failed_at < datetime.fromisoformat(wanted.failed_before),
        *_of_user(wanted.user_id),
    ]


def _ready(wanted: ReadyVideos) -> _Conditions:
    asked_at = col(Video.reprocess_asked_at)
    conditions = [
        col(Video.status) == VideoStatus.READY,
        or_(asked_at.is_(None), asked_at < datetime.fromisoformat(wanted.asked_before)),
        *_of_user(wanted.user_id),
    ]
    if wanted.profile is not None:
        conditions.append(col(Video.profile) == wanted.profile)
    if wanted.error_code is not None:
        conditions.append(col(Video.reprocess_error_code) == wanted.error_code)
    if wanted.metadata:
        conditions.append(col(Video.user_metadata).contains(dict(wanted.metadata)))
    if wanted.created_after is not None:
        conditions.append(col(Video.created_at) >= datetime.fromisoformat(wanted.created_after))
    if wanted.created_before is not None:
        conditions.append(col(Video.created_at) < datetime.fromisoformat(wanted.created_before))
    return conditions


def _of_user(user_id: str | None) -> _Conditions:
    return [] if user_id is None else [col(Video.user_id) == user_id]
