"""Every change of videos, by name. Each method is one transaction.

Every change of ``status`` is one conditional UPDATE (compare-and-set): it names the status and, where a workflow run
asks, the attempt that it starts from, so that of several callers exactly one wins and the others learn it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeGuard
from uuid import UUID

from sqlalchemy import delete, func, or_
from sqlmodel import col

from contracts.errors import ErrorCode, VideoCancelled
from contracts.metadata import merged_metadata
from contracts.status import VideoStatus
from database.changes import (
    CANCELLED_REASON,
    compare_and_set,
    conflict,
    error_of_run_values,
    error_values,
    fetched_values,
    in_hand,
    left_behind,
    looked_at_as_before,
    ready_values,
)
from database.clock import database_now
from database.connecting import hold_long
from database.pages import PageCursor, VideoFilter, VideoPage
from database.quotas import check_coming, check_length, check_what_came, owner_held
from database.records import FetchedOriginal, IdempotencyKeyTaken, NewVideo, PublishedVideo, VideoChange
from database.tables import Video
from database.taking import UploadsToTake

__all__ = [
    "FetchedOriginal",
    "IdempotencyKeyTaken",
    "NewVideo",
    "PageCursor",
    "PublishedVideo",
    "VideoChange",
    "VideoFilter",
    "VideoPage",
    "Videos",
]


class Videos(UploadsToTake):
    """The changes, beside what can be read. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    async def claim(self, video_id: UUID, attempt: int) -> None:
        """Return if the row waits for the run that serves ``attempt``; changes nothing.

        Raises:
            VideoCancelled: Its cancel was accepted before the run began.
            StatusConflict: The row is gone, or not in ``processing`` with this attempt.
        """
        async with self._transaction() as session:
            video = await session.get(Video, video_id)
            if not _is_processing(video, attempt):
                raise await conflict(session, video_id, f"be processed with attempt {attempt}")
            if video.cancel_requested_at is not None:
                raise VideoCancelled(CANCELLED_REASON)

    async def finish_fetch(self, video_id: UUID, attempt: int, original: FetchedOriginal) -> None:
        """Say of a row in ``processing`` what its original is, for the run that serves ``attempt``.

        Raises:
            StatusConflict: The row was cancelled without its run, retried or deleted meanwhile.
            QuotaExceeded: It is more than its user may keep.
        """
        values = fetched_values(original) | looked_at_as_before()
        async with self._transaction() as session:
            owner = await owner_held(session, video_id)
            if not await compare_and_set(session, video_id, [VideoStatus.PROCESSING], values, attempt=attempt):
                raise await conflict(session, video_id, f"take its original with attempt {attempt}")
            await check_what_came(session, owner)

    async def count_minutes(self, video_id: UUID, attempt: int, seconds: float) -> None:
        """Say of a row in ``processing`` how long its video is, for the run that serves ``attempt``.

        Raises:
            StatusConflict: The row was cancelled without its run, retried or deleted meanwhile.
            QuotaExceeded: Its user's other videos have used up the minutes of the day.
        """
        async with self._transaction() as session:
            owner = await owner_held(session, video_id)
            for counted_seconds in (0.0, seconds):  # of this one nothing counts against itself
                values = {"counted_seconds": counted_seconds, **looked_at_as_before()}
                if not await compare_and_set(session, video_id, [VideoStatus.PROCESSING], values, attempt=attempt):
                    raise await conflict(session, video_id, f"be counted with attempt {attempt}")
                if counted_seconds == 0.0:
                    await check_length(session, owner)

    async def awaits_files(self, video_id: UUID, attempt: int | None) -> bool:
        """Whether the row waits for what the run of ``attempt`` is about to publish; None is any attempt.

        It is not held meanwhile: to bring a large file there takes minutes, and a cancel or another title would wait.
        Only a run of this attempt can make it ready, and Temporal has one at a time.

        Returns:
            False where the row is ready by that run already, so that what is published is served.

        Raises:
            StatusConflict: The row is gone, or has moved on.
        """
        async with self._transaction() as session:
            video = await session.get(Video, video_id)
            if video is not None and attempt in (None, video.attempt) and not video.is_reprocessing:
                if video.status == VideoStatus.PROCESSING:
                    return True
                if video.status == VideoStatus.READY:
                    return False
            raise await conflict(session, video_id, f"be published with attempt {attempt}")

    async def mark_ready(
        self, video_id: UUID, attempt: int, published: PublishedVideo, content_sha256: str | None = None
    ) -> None:
        """``processing -> ready`` for the run that serves ``attempt``; done already by that run is a success.

        Args:
            video_id: The row.
            attempt: Of the run.
            published: What can be played.
            content_sha256: Of the upload, where it was not known when that was finished.

        Raises:
            VideoCancelled: A cancel was accepted; the row is left to ``mark_error``.
            StatusConflict: The row was cancelled without its run, retried or deleted meanwhile.
        """
        not_cancelled = col(Video.cancel_requested_at).is_(None)
        values = ready_values(published) | ({"content_sha256": content_sha256} if content_sha256 is not None else {})
        async with self._transaction() as session:
            changed = await compare_and_set(
                session, video_id, [VideoStatus.PROCESSING], values, not_cancelled, attempt=attempt
            )
            if changed is None:
                video = await session.get(Video, video_id)
                if _is_processing(video, attempt):
                    raise VideoCancelled(CANCELLED_REASON)
                if video is None or (video.status, video.attempt) != (VideoStatus.READY, attempt):
                    raise await conflict(session, video_id, f"be ready with attempt {attempt}")
        if changed is not None:
            self._changed(changed)

    async def mark_error(self, video_id: UUID, attempt: int, code: ErrorCode, reason: str) -> bool:
        """``processing -> error`` for the run that serves ``attempt``; after an accepted cancel always as cancelled.

        Returns:
            True when the row is in that error for that attempt, now or already; False when it is gone or moved on.
        """
        values = error_of_run_values(code, reason)
        async with self._transaction() as session:
            changed = await compare_and_set(session, video_id, [VideoStatus.PROCESSING], values, attempt=attempt)
            video = await session.get(Video, video_id) if changed is None else None
        if changed is not None:
            self._changed(changed)
            return True
        if video is None or (video.status, video.attempt) != (VideoStatus.ERROR, attempt):
            return False
        return video.error_code == code or video.cancel_requested_at is not None

    @asynccontextmanager
    async def held_unless_ready(self, video_id: UUID, attempt: int) -> AsyncIterator[bool]:
        """Hold the row as it is for as long as the block lasts, some seconds at most.

        Gives whether what the run of this attempt published is not to be there: the row is gone, or still of this
        attempt and not ``ready``. While it is held nobody can retry the video or make it ready.
        """
        async with self.held(video_id) as video:
            yield video is None or (video.attempt == attempt and video.status != VideoStatus.READY)

    @asynccontextmanager
    async def held(self, video_id: UUID) -> AsyncIterator[Video | None]:
        """The row, or None where there is none; nobody can change it for as long as the block lasts."""
        async with self._transaction() as session:
            await hold_long(session)
            yield await session.get(Video, video_id, with_for_update=True)

    async def request_cancel(self, video_id: UUID, attempt: int) -> bool:
        """Note in a row in ``processing`` that it is to end as cancelled; from then on it can't become ``ready``.

        Returns:
            Whether the row is so marked, by this call or an earlier one. False when it has moved on.
        """
        values = {"cancel_requested_at": func.coalesce(col(Video.cancel_requested_at), func.now()), **in_hand()}
        async with self._transaction() as session:
            changed = await compare_and_set(session, video_id, [VideoStatus.PROCESSING], values, attempt=attempt)
        return changed is not None

    async def cancel_unstarted(self, video_id: UUID, attempt: int | None) -> bool:
        """``uploading | processing -> error``, code ``cancelled``, for a video that no workflow runs for.

        Args:
            video_id: The row.
            attempt: Only while the row is at this attempt; None for any.

        Returns:
            Whether this call did it.
        """
        open_statuses = [VideoStatus.UPLOADING, VideoStatus.PROCESSING]
        values = error_values(ErrorCode.CANCELLED, CANCELLED_REASON) | left_behind()
        async with self._transaction() as session:
            return await compare_and_set(session, video_id, open_statuses, values, attempt=attempt) is not None

    async def start_retry(self, video_id: UUID) -> Video:
        """``error -> processing`` with the next attempt; its error, warnings and cancel are forgotten.

        Raises:
            StatusConflict: The row is in another status, or its upload never finished, so that there is no file.
            QuotaExceeded: It is an import that never came, and its user may not have more on their way.
        """
        values = {
            "status": VideoStatus.PROCESSING,
            "attempt": col(Video.attempt) + 1,
            "error_code": None,
            "error_reason": None,
            "failed_at": None,
            "warnings": [],
            "cancel_requested_at": None,
            **in_hand(),
        }
        uploaded = or_(col(Video.uploaded_at).is_not(None), col(Video.source_url).is_not(None))
        async with self._transaction() as session:
            user = await owner_held(session, video_id)
            video = await compare_and_set(session, video_id, [VideoStatus.ERROR], values, uploaded)
            if video is None:
                raise await conflict(session, video_id, "be retried")
            if video.uploaded_at is None:
                await check_coming(session, user)
        return video

    async def delete(self, video_id: UUID, *, only: VideoStatus | None = None) -> bool:
        """Remove the row and its idempotency key, whatever its status, or only in one. False when there was none."""
        conditions = [col(Video.id) == video_id, *([col(Video.status) == only] if only is not None else [])]
        async with self._transaction() as session:
            deleted = await session.scalar(delete(Video).where(*conditions).returning(col(Video.id)))
        return deleted is not None

    async def change(self, video_id: UUID, change: VideoChange) -> Video | None:
        """What its owner may change at any time; of several changes at once each sees the one before.

        Returns:
            The row, or None when there is none.

        Raises:
            Refused: What its metadata would become can't be kept; nothing was changed.
        """
        async with self._transaction() as session:
            video = await session.get(Video, video_id, with_for_update=True)
            if video is None or video.status == VideoStatus.DELETING:
                return None
            for patch in change.metadata_patches:
                video.user_metadata = merged_metadata(video.user_metadata, patch)
            if change.title is not None:
                video.title = change.title
            if change.visibility is not None:
                video.visibility = change.visibility.value
            video.updated_at = await database_now(session)
        return video


def _is_processing(video: Video | None, attempt: int) -> TypeGuard[Video]:
    return video is not None and (video.status, video.attempt) == (VideoStatus.PROCESSING, attempt)
