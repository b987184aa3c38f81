"""Every query on ready videos that are made anew. Each method is one transaction, and each change a compare-and-set.

The row stays ``ready``, and names the edition that is served, until ``finish`` names the new one.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.errors import ErrorCode, VideoCancelled
from contracts.status import VideoStatus
from database.backlog import due_in
from database.changes import (
    REPROCESS_CANCELLED_REASON,
    compare_and_set,
    conflict,
    in_hand,
    is_reprocessing,
    published_values,
    reprocess_error_values,
)
from database.connecting import hold_long
from database.editions import Edition, is_wanted, retire
from database.quotas import check_minutes
from database.records import PublishedVideo
from database.tables import FormerEdition, Video

_READY = (VideoStatus.READY,)


@dataclass(frozen=True)
class ReprocessEnding:
    """Where a video stands at the end of the run that was to make it anew.

    Attributes:
        is_served: Whether what the run has made is what is served.
        error_code: Why not, as the row says; None where it is gone or has moved on.
    """

    is_served: bool = False
    error_code: str | None = None


class Reprocessings:
    """The queries. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        """Take the way to open a transaction, ``Database.transaction``."""
        self._transaction = transaction

    def _changed(self, video: Video) -> None:
        """For whoever counts: this call, and no other, has ended the run that was to make it anew."""

    async def begin(self, video_id: UUID, profile: str, *, counts: bool) -> Video:
        """Note that a ready video is to be made anew, by the run of its next attempt; what it has stays served.

        Args:
            video_id: The row.
            profile: With which profile.
            counts: Whether it counts among the minutes that its owner may have made in a day.

        Raises:
            QuotaExceeded: Its owner may not have more made today.
            StatusConflict: It is not ``ready``, or is being made anew already.
        """
        values = {
            "attempt": col(Video.attempt) + 1,
            "reprocess_profile": profile,
            "reprocess_error_code": None,
            "reprocess_error_reason": None,
            "reprocess_asked_at": func.now(),
            "reprocess_counts": counts,
            "cancel_requested_at": None,
            **in_hand(),
        }
        async with self._transaction() as session:
            if counts:
                await check_minutes(session, video_id)
            video = await compare_and_set(session, video_id, _READY, values, ~is_reprocessing())
            if video is None:
                raise await conflict(session, video_id, "be made anew")
        return video

    async def claim(self, video_id: UUID, attempt: int) -> None:
        """Return if the row waits for the run that serves ``attempt``; changes nothing.

        Raises:
            VideoCancelled: Its cancel was accepted before the run began.
            StatusConflict: The row is gone, or not being made anew with this attempt.
        """
        async with self._transaction() as session:
            video = await session.get(Video, video_id)
            if video is None or not _is_of(video, attempt):
                raise await conflict(session, video_id, f"be made anew with attempt {attempt}")
            if video.cancel_requested_at is not None:
                raise VideoCancelled(REPROCESS_CANCELLED_REASON)

    async def awaits_files(self, video_id: UUID, attempt: int) -> bool:
        """Whether the row waits for the edition of ``attempt``. It is not held meanwhile, as by ``Videos``.

        Returns:
            False where that edition is served already.

        Raises:
            StatusConflict: The row is gone, or has moved on.
        """
        async with self._transaction() as session:
            video = await session.get(Video, video_id)
            if video is not None and _is_of(video, attempt):
                return True
            if video is not None and _serves(video, attempt):
                return False
            raise await conflict(session, video_id, f"be made anew with attempt {attempt}")

    async def finish(self, video_id: UUID, attempt: int, published: PublishedVideo, *, keep: timedelta) -> None:
        """Let the edition of this attempt be served, and tell what it is; done already is a success.

        Args:
            video_id: The row.
            attempt: Of the run, and number of its edition.
            published: What can be played.
            keep: How long the files stay that were served before.

        Raises:
            VideoCancelled: A cancel was accepted; the row is left to ``fail``.
            StatusConflict: The row has moved on.
        """
        values = {
            **published_values(published),
            "published_edition": attempt,
            "profile": col(Video.reprocess_profile),
            "reprocess_profile": None,
        }
        async with self._transaction() as session:
            video = await session.get(Video, video_id, with_for_update=True)
            if video is None or not _is_of(video, attempt):
                if video is not None and _serves(video, attempt):
                    return
                raise await conflict(session, video_id, f"be made anew with attempt {attempt}")
            if video.cancel_requested_at is not None:
                raise VideoCancelled(REPROCESS_CANCELLED_REASON)
            await retire(session, Edition(video_id, video.published_edition), keep)
            changed = await compare_and_set(session, video_id, _READY, values, is_reprocessing(), attempt=attempt)
        if changed is not None:
            self._changed(changed)

    async def fail(self, video_id: UUID, attempt: int, code: ErrorCode, reason: str) -> ReprocessEnding:
        """Note why it was not made anew, for the run of ``attempt``; after an accepted cancel always as cancelled.

        Returns:
            Where the row stands then. One that has moved on is left as it is.
        """
        values = reprocess_error_values(code, reason)
        async with self._transaction() as session:
            changed = await compare_and_set(session, video_id, _READY, values, is_reprocessing(), attempt=attempt)
            video = await session.get(Video, video_id, populate_existing=True)
        if changed is not None:
            self._changed(changed)
        if video is None or video.attempt != attempt:
            return ReprocessEnding()
        return ReprocessEnding(_serves(video, attempt), video.reprocess_error_code)

    async def request_cancel(self, video_id: UUID, attempt: int) -> bool:
        """Note in the row that its run is to end as cancelled; from then on the new files can't be served.

        Returns:
            Whether the row is so marked, by this call or an earlier one. False when it has moved on.
        """
        values = {"cancel_requested_at": func.coalesce(col(Video.cancel_requested_at), func.now()), **in_hand()}
        async with self._transaction() as session:
            changed = await compare_and_set(session, video_id, _READY, values, is_reprocessing(), attempt=attempt)
        return changed is not None

    async def due(self, *, limit: int) -> list[Video]:
        """Videos whose run is to be looked at, the longest due first."""
        query = due_in(is_reprocessing(), limit=limit)
        async with self._transaction() as session:
            return list(await session.scalars(query))

    @asynccontextmanager
    async def held_unless_wanted(self, edition: Edition) -> AsyncIterator[bool]:
        """Hold the row for as long as the block lasts, some seconds at most.

        Gives whether the files of this edition are not to be there: nobody is served them, nor was lately, and no run
        is about to publish them. What an ordinary run publishes is not for the caller to judge.
        """
        async with self._transaction() as session:
            await hold_long(session)
            video = await session.get(Video, edition.video_id, with_for_update=True)
            former = await session.get(FormerEdition, (edition.video_id, edition.number))
            if video is None:
                yield True
            else:
                is_ready = video.status == VideoStatus.READY
                yield is_ready and not is_wanted(video, edition.number, () if former is None else (former.edition,))


def _is_of(video: Video, attempt: int) -> bool:
    return video.is_reprocessing and video.attempt == attempt


def _serves(video: Video, attempt: int) -> bool:
    return (video.status, video.published_edition) == (VideoStatus.READY, attempt)
