"""Every query on whole cohorts of videos. Each method is one transaction."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.cohorts import FailedVideos
from contracts.status import VideoStatus
from database.tables import Video


class Cohorts:
    """The queries. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        """Take the way to open a transaction, ``Database.transaction``."""
        self._transaction = transaction

    async def count(self, wanted: FailedVideos) -> int:
        """How many there are."""
        query = select(func.count()).select_from(Video).where(*_conditions(wanted))
        async with self._transaction() as session:
            return await session.scalar(query) or 0

    async def some(self, wanted: FailedVideos, *, after: str | None, limit: int) -> Sequence[Video]:
        """Some of them, by their ids, from the one after ``after``."""
        query = select(Video).where(*_conditions(wanted)).order_by(col(Video.id)).limit(limit)
        if after is not None:
            query = query.where(col(Video.id) > UUID(after))
        async with self._transaction() as session:
            return list(await session.scalars(query))


def _conditions(wanted: FailedVideos) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        col(Video.status) == VideoStatus.ERROR,
        col(Video.error_code) == wanted.error_code,
        col(Video.updated_at) >= datetime.fromisoformat(wanted.failed_after),
        col(Video.updated_at) < datetime.fromisoformat(wanted.failed_before),
    ]
    return conditions if wanted.user_id is None else [*conditions, col(Video.user_id) == wanted.user_id]
