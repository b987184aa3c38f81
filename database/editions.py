"""Which published files of a video are to be there: those that are served, those that were lately, those of its run."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.status import VideoStatus
from database.connecting import hold_long
from database.tables import FormerEdition, Video

MOST_FORMER: Final = 3
"""So many of one video are kept for whoever is watching them: nothing holds how often it is made anew in that time."""


@dataclass(frozen=True)
class Edition:
    """Published files of one making.

    Attributes:
        video_id: Of the video.
        number: Of the edition.
    """

    video_id: UUID
    number: int


class Editions:
    """The queries. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        """Take the way to open a transaction, ``Database.transaction``."""
        self._transaction = transaction

    async def is_former(self, edition: Edition) -> bool:
        """Whether its files were served until lately, and are kept for whoever is watching them."""
        query = select(func.count()).where(*_is(edition), col(FormerEdition.remove_after) > func.now())
        async with self._transaction() as session:
            return bool(await session.scalar(query))

    async def former(self, video_ids: Collection[UUID]) -> dict[UUID, set[int]]:
        """Of these videos, the editions that are kept for a while, or not removed yet."""
        query = select(FormerEdition).where(col(FormerEdition.video_id).in_(video_ids))
        found: dict[UUID, set[int]] = {}
        async with self._transaction() as session:
            for row in await session.scalars(query):
                found.setdefault(row.video_id, set()).add(row.edition)
        return found

    @asynccontextmanager
    async def held(self, video_id: UUID) -> AsyncIterator[tuple[Video | None, set[int]]]:
        """The row, or None, and its former editions; nobody can change them for as long as the block lasts."""
        query = select(col(FormerEdition.edition)).where(col(FormerEdition.video_id) == video_id)
        async with self._transaction() as session:
            await hold_long(session)
            video = await session.get(Video, video_id, with_for_update=True)
            yield video, set(await session.scalars(query))

    async def due(self, *, limit: int) -> list[Edition]:
        """Those whose time is over by the database's clock, the longest due first."""
        query = (
            select(FormerEdition)
            .where(col(FormerEdition.remove_after) <= func.now())
            .order_by(col(FormerEdition.remove_after))
            .limit(limit)
        )
        async with self._transaction() as session:
            return [Edition(row.video_id, row.edition) for row in await session.scalars(query)]

    @asynccontextmanager
    async def removing(self, edition: Edition) -> AsyncIterator[bool]:
        """Hold the row of the video for as long as the block lasts, and forget the edition if it succeeds.

        Gives whether the files may go; they may not where another run has published them anew.
        """
        async with self._transaction() as session:
            await hold_long(session)
            video = await session.get(Video, edition.video_id, with_for_update=True)
            is_ready = video is not None and video.status == VideoStatus.READY
            yield video is not None and is_ready and not is_wanted(video, edition.number, ())
            await session.execute(delete(FormerEdition).where(*_is(edition)))

    async def put_off(self, edition: Edition, pause: timedelta) -> None:
        """Leave it alone for a while, and then behind others that are due: its files can't be removed now."""
        later = update(FormerEdition).where(*_is(edition)).values(remove_after=func.now() + pause)
        async with self._transaction() as session:
            await session.execute(later)


async def retire(session: AsyncSession, edition: Edition, keep: timedelta) -> None:
    """Note in this transaction that the files of an edition are served no more, and go after a while.

    Of a video that is made anew again and again those that were served longest ago go now.
    """
    row = {"video_id": edition.video_id, "edition": edition.number, "remove_after": func.now() + keep}
    await session.execute(insert(FormerEdition).values(row).on_conflict_do_nothing())
    of_it = col(FormerEdition.video_id) == edition.video_id
    number = col(FormerEdition.edition)
    newest = select(number).where(of_it).order_by(number.desc()).limit(MOST_FORMER)
    older = update(FormerEdition).where(of_it, number.not_in(newest), col(FormerEdition.remove_after) > func.now())
    await session.execute(older.values(remove_after=func.now()))


def is_wanted(video: Video, edition: int, former: Collection[int]) -> bool:
    """Whether the files of this edition are to be there, as far as the row of a ready video tells."""
    is_of_its_run = video.is_reprocessing and edition == video.attempt
    return edition == video.published_edition or edition in former or is_of_its_run


def _is(edition: Edition) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(FormerEdition.video_id) == edition.video_id, col(FormerEdition.edition) == edition.number
