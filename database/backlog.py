"""Rows that nobody may have in hand any more: what the reconciler asks for, and how it says what it found."""

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.errors import ErrorCode
from contracts.event_types import EventType
from contracts.status import VideoStatus
from database.changes import compare_and_set, error_values, in_hand, is_expired, is_reprocessing
from database.tables import Event, Video

_EXPIRED_REASON = "The upload did not finish in the time that it may take. Upload the video again."


class Backlog:
    """The queries. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        """Take the way to open a transaction, ``Database.transaction``."""
        self._transaction = transaction

    async def due(self, *, limit: int) -> list[Video]:
        """Videos in ``processing`` whose run is to be looked at by the database's clock, the longest due first."""
        query = due_in(col(Video.status) == VideoStatus.PROCESSING, limit=limit)
        async with self._transaction() as session:
            return list(await session.scalars(query))

    async def rows(self, video_ids: Collection[UUID]) -> dict[UUID, Video]:
        """Those of the videos that there are."""
        query = select(Video).where(col(Video.id).in_(video_ids))
        async with self._transaction() as session:
            return {video.id: video for video in await session.scalars(query)}

    async def deleted(self, video_ids: Collection[UUID]) -> set[UUID]:
        """Those of the videos that somebody has deleted, for as long as events tell of it."""
        query = select(col(Event.video_id)).where(
            col(Event.video_id).in_(video_ids), col(Event.type) == EventType.DELETED
        )
        async with self._transaction() as session:
            return set(await session.scalars(query))

    async def page(self, after: UUID | None, *, limit: int) -> list[Video]:
        """All videos, by their ids: the next ones after the last id of the page before."""
        query = select(Video).order_by(col(Video.id)).limit(limit)
        if after is not None:
            query = query.where(col(Video.id) > after)
        async with self._transaction() as session:
            return list(await session.scalars(query))

    async def look_again(self, video: Video, after: timedelta | None) -> None:
        """Leave the row alone for so long, unless it is due otherwise meanwhile; None as if it was never looked at."""
        await self._look_at(video, None if after is None else func.now() + after)

    async def look_as_long_again(self, video: Video, *, soonest: timedelta, latest: timedelta) -> None:
        """Leave the row alone for as long as it has been as it is, within these bounds; else as ``look_again``."""
        so_far = func.now() - col(Video.updated_at)
        await self._look_at(video, func.now() + func.least(func.greatest(so_far, soonest), latest))

    async def _look_at(self, video: Video, moment: ColumnElement[datetime] | None) -> None:
        next_look_at = col(Video.next_look_at)
        change = (
            update(Video)
            .where(
                col(Video.id) == video.id,
                col(Video.status) == video.status,
                col(Video.attempt) == video.attempt,
                next_look_at.is_not_distinct_from(video.next_look_at),
            )
            .values(next_look_at=moment)
        )
        async with self._transaction() as session:
            await session.execute(change)

    async def begin_anew(self, video: Video, attempt: int) -> Video | None:
        """Have the row wait for the run of this later attempt, as it was put back to before its last one ended.

        Returns:
            The row; None where it waits for no run any more, is to be cancelled, or has moved on.
        """
        waits = or_(col(Video.status) == VideoStatus.PROCESSING, is_reprocessing())
        not_cancelled = col(Video.cancel_requested_at).is_(None)
        values = {"attempt": attempt, **in_hand()}
        statuses = [VideoStatus.PROCESSING, VideoStatus.READY]
        async with self._transaction() as session:
            return await compare_and_set(
                session, video.id, statuses, values, waits, not_cancelled, attempt=video.attempt
            )

    async def expired_uploads(self, *, limit: int) -> list[Video]:
        """Videos in ``uploading`` whose time is over by the database's clock, the longest expired first."""
        query = (
            select(Video)
            .where(col(Video.status) == VideoStatus.UPLOADING, is_expired())
            .order_by(col(Video.upload_expires_at), col(Video.id))
            .limit(limit)
        )
        async with self._transaction() as session:
            return list(await session.scalars(query))

    async def leavings(self, *, limit: int) -> list[Video]:
        """Videos whose upload was ended from outside and of which bytes may be left, the longest due first."""
        next_look_at = col(Video.next_look_at)
        query = (
            select(Video)
            .where(
                col(Video.status) == VideoStatus.ERROR,
                col(Video.uploaded_at).is_(None),
                col(Video.source_url).is_(None),
                next_look_at <= func.now(),
            )
            .order_by(next_look_at, col(Video.id))
            .limit(limit)
        )
        async with self._transaction() as session:
            return list(await session.scalars(query))

    async def declared_uploads(self, *, limit: int) -> list[Video]:
        """Videos in ``uploading`` that said their size and are to be looked at, the longest due first.

        One that was never looked at is due since it began: many that begin now are no reason to let another wait.
        """
        next_look_at = col(Video.next_look_at)
        query = (
            select(Video)
            .where(
                col(Video.status) == VideoStatus.UPLOADING,
                col(Video.upload_length).is_not(None),
                or_(next_look_at.is_(None), next_look_at <= func.now()),
            )
            .order_by(func.coalesce(next_look_at, col(Video.created_at)), col(Video.id))
            .limit(limit)
        )
        async with self._transaction() as session:
            return list(await session.scalars(query))

    async def measured(self, video_id: UUID, pause: timedelta) -> None:
        """Do not measure this upload for so long, whoever writes it meanwhile."""
        change = (
            update(Video)
            .where(col(Video.id) == video_id, col(Video.status) == VideoStatus.UPLOADING)
            .values(next_look_at=func.now() + pause)
        )
        async with self._transaction() as session:
            await session.execute(change)

    async def expire(self, video_id: UUID) -> Video | None:
        """``uploading -> error``, code ``upload_interrupted``. None when it was renewed, or finished, meanwhile."""
        values = error_values(ErrorCode.UPLOAD_INTERRUPTED, _EXPIRED_REASON)
        async with self._transaction() as session:
            return await compare_and_set(session, video_id, [VideoStatus.UPLOADING], values, is_expired())

    async def put_expiry_off(self, video_id: UUID, pause: timedelta) -> None:
        """Leave an upload whose time is over alone for a while: it can't be seen what came of it."""
        change = (
            update(Video)
            .where(col(Video.id) == video_id, col(Video.status) == VideoStatus.UPLOADING, is_expired())
            .values(upload_expires_at=func.now() + pause)
        )
        async with self._transaction() as session:
            await session.execute(change)


def due_in(standing: ColumnElement[bool], *, limit: int) -> Select[Video]:
    """Rows that stand so and are to be looked at by the database's clock, the longest due first."""
    next_look_at = col(Video.next_look_at)
    return (
        select(Video)
        .where(standing, or_(next_look_at.is_(None), next_look_at <= func.now()))
        .order_by(next_look_at.nulls_first(), col(Video.id))
        .limit(limit)
    )
