"""What is read of videos: one, a page of them, how many. Each method is one transaction."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.status import VideoStatus
from database.changes import is_reprocessing
from database.pages import EVERY_VIDEO, PageCursor, VideoFilter, VideoPage, is_seen, page_query
from database.tables import Video


class VideosToRead:
    """The queries that change nothing. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        """Take the way to open a transaction, ``Database.transaction``."""
        self._transaction = transaction

    async def get(self, video_id: UUID, user_id: str | None = None) -> Video | None:
        """The row, or None, also where it is being deleted; with ``user_id`` only if it is that user's."""
        query = select(Video).where(col(Video.id) == video_id, is_seen(), *_of_user(user_id))
        async with self._transaction() as session:
            return cast("Video | None", await session.scalar(query))

    async def list_page(
        self, user_id: str | None, *, limit: int, after: PageCursor | None, wanted: VideoFilter = EVERY_VIDEO
    ) -> VideoPage:
        """One page of videos, newest first.

        Args:
            user_id: Whose, or None for everybody's.
            limit: Most videos on the page, at least 1.
            after: ``next_cursor`` of the page before, or None for the first.
            wanted: Which of them.
        """
        query = page_query(user_id, limit=limit, after=after, wanted=wanted)
        async with self._transaction() as session:
            found = list(await session.scalars(query))
        videos = tuple(found[:limit])
        more = len(found) > limit
        return VideoPage(videos, PageCursor(videos[-1].created_at, videos[-1].id) if more else None)

    async def count_by_status(self, user_id: str | None = None) -> dict[VideoStatus, int]:
        """How many videos are in each status; of one user, or of all."""
        query = select(col(Video.status), func.count()).where(*_of_user(user_id)).group_by(col(Video.status))
        async with self._transaction() as session:
            rows = (await session.execute(query)).all()
        counted = {row[0]: row[1] for row in rows}
        return {status: counted.get(status, 0) for status in VideoStatus}

    async def count_reprocessing(self, user_id: str | None = None) -> int:
        """How many ready videos are made anew; of one user, or of all."""
        query = select(func.count()).select_from(Video).where(is_reprocessing(), *_of_user(user_id))
        async with self._transaction() as session:
            return await session.scalar(query) or 0


def _of_user(user_id: str | None) -> list[ColumnElement[bool]]:
    return [] if user_id is None else [col(Video.user_id) == user_id]
