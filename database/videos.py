"""Every query on videos, by name. Each method is one transaction.

Every change of ``status`` is one conditional UPDATE (compare-and-set): it names the status and, where a workflow run
asks, the attempt that it starts from, so that of several callers exactly one wins and the others learn it.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.errors import ErrorCode
from contracts.status import VideoStatus
from database.changes import claim_key, compare_and_set, conflict, error_values, upload_failed, video_of_key
from database.pages import PageCursor, VideoPage, page_query
from database.tables import Video

__all__ = ["IdempotencyKeyTaken", "NewVideo", "PageCursor", "PublishedVideo", "VideoPage", "Videos"]

CANCELLED_REASON: Final = "The video was cancelled."


@dataclass(frozen=True)
class NewVideo:
    """A video whose upload begins.

    Attributes:
        id: Its id, chosen by the caller.
        user_id: Who uploads it.
        title: Shown to people.
        original_filename: The client's name of the file, for people only.
        original_key: Storage key that the file will have.
        upload_expires_at: When an upload that is not finished counts as interrupted.
    """

    id: UUID
    user_id: str
    title: str
    original_filename: str
    original_key: str
    upload_expires_at: datetime


@dataclass(frozen=True)
class PublishedVideo:
    """What can be played.

    Attributes:
        url_mp4: Path under which the api serves the video.
        thumbnail: Path under which it serves the picture.
        duration_seconds: Length of the video.
        width: Pixels, as displayed.
        height: Pixels, as displayed.
    """

    url_mp4: str
    thumbnail: str
    duration_seconds: float
    width: int
    height: int


class IdempotencyKeyTaken(Exception):
    """The ``Idempotency-Key`` belongs to an earlier upload.

    Attributes:
        video: What that upload made.
    """

    def __init__(self, video: Video) -> None:
        super().__init__(f"The idempotency key belongs to video {video.id}.")
        self.video = video


class Videos:
    """The queries. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        """Take the way to open a transaction, ``Database.transaction``."""
        self._transaction = transaction

    # The upload

    async def create_uploading(self, new: NewVideo, idempotency_key: str | None = None) -> Video:
        """Insert the row of an upload that begins, in ``uploading``.

        A key whose earlier upload never finished may be used again, and then belongs to the new video.

        Raises:
            IdempotencyKeyTaken: The key belongs to an upload that runs or has finished; nothing was inserted.
        """
        async with self._transaction() as session:
            video = Video(
                id=new.id,
                user_id=new.user_id,
                title=new.title,
                original_filename=new.original_filename,
                original_key=new.original_key,
                upload_expires_at=new.upload_expires_at,
            )
            session.add(video)
            await session.flush()
            if idempotency_key is not None:
                owner = await claim_key(session, video, idempotency_key)
                if owner is not None:
                    session.expunge(owner)  # the rollback would empty it
                    raise IdempotencyKeyTaken(owner)
        return video

    async def find_by_idempotency_key(self, user_id: str, key: str) -> Video | None:
        """The video that the key belongs to, or None while the key may be used for a new upload."""
        async with self._transaction() as session:
            video = await video_of_key(session, user_id, key)
        return video if video is not None and not upload_failed(video) else None

    async def finish_upload(
        self, video_id: UUID, *, title: str | None, file_size_bytes: int, content_sha256: str
    ) -> Video:
        """``uploading -> processing``: the file is complete and durable.

        Args:
            video_id: The row.
            title: Replaces the title, or None to keep it.
            file_size_bytes: Size of the file.
            content_sha256: Its SHA-256, as 64 hexadecimal digits.

        Raises:
            StatusConflict: The upload was cancelled, expired or deleted meanwhile.
        """
        values: dict[str, Any] = {
            "status": VideoStatus.PROCESSING,
            "file_size_bytes": file_size_bytes,
            "content_sha256": content_sha256,
            "upload_expires_at": None,
        }
        if title is not None:
            values["title"] = title
        async with self._transaction() as session:
            video = await compare_and_set(session, video_id, [VideoStatus.UPLOADING], values)
            if video is None:
                raise await conflict(session, video_id, "finish its upload")
        return video

    async def interrupt_upload(self, video_id: UUID, reason: str) -> bool:
        """``uploading -> error``, code ``upload_interrupted``. False when the row is not in ``uploading`` any more."""
        values = error_values(ErrorCode.UPLOAD_INTERRUPTED, reason)
        async with self._transaction() as session:
            return await compare_and_set(session, video_id, [VideoStatus.UPLOADING], values) is not None

    # Processing

    async def mark_ready(self, video_id: UUID, attempt: int, published: PublishedVideo) -> None:
        """``processing -> ready`` for the run that serves ``attempt``; done already by that run is a success.

        Raises:
            StatusConflict: The row was cancelled, retried or deleted meanwhile.
        """
        values = {
            "status": VideoStatus.READY,
            "url_mp4": published.url_mp4,
            "thumbnail": published.thumbnail,
            "duration_seconds": published.duration_seconds,
            "width": published.width,
            "height": published.height,
        }
        async with self._transaction() as session:
            if await compare_and_set(session, video_id, [VideoStatus.PROCESSING], values, attempt=attempt) is not None:
                return
            video = await session.get(Video, video_id)
            if video is None or (video.status, video.attempt) != (VideoStatus.READY, attempt):
                raise await conflict(session, video_id, f"be ready with attempt {attempt}")

    async def mark_error(self, video_id: UUID, attempt: int, code: ErrorCode, reason: str) -> bool:
        """``processing -> error`` for the run that serves ``attempt``.

        Returns:
            True when the row is in that error for that attempt, now or already; False when it is gone or moved on.
        """
        values = error_values(code, reason)
        async with self._transaction() as session:
            if await compare_and_set(session, video_id, [VideoStatus.PROCESSING], values, attempt=attempt) is not None:
                return True
            video = await session.get(Video, video_id)
            return video is not None and (video.status, video.attempt, video.error_code) == (
                VideoStatus.ERROR,
                attempt,
                code,
            )

    async def cancel_unstarted(self, video_id: UUID, attempt: int | None) -> bool:
        """``uploading | processing -> error``, code ``cancelled``, for a video that no workflow runs for.

        Args:
            video_id: The row.
            attempt: Only while the row is at this attempt; None for any.

        Returns:
            Whether this call did it.
        """
        open_statuses = [VideoStatus.UPLOADING, VideoStatus.PROCESSING]
        values = error_values(ErrorCode.CANCELLED, CANCELLED_REASON)
        async with self._transaction() as session:
            return await compare_and_set(session, video_id, open_statuses, values, attempt=attempt) is not None

    async def start_retry(self, video_id: UUID) -> Video:
        """``error -> processing`` with the next attempt, its error forgotten.

        Raises:
            StatusConflict: The row is not in ``error``, or its upload never finished, so that there is no file.
        """
        values = {
            "status": VideoStatus.PROCESSING,
            "attempt": col(Video.attempt) + 1,
            "error_code": None,
            "error_reason": None,
        }
        uploaded = col(Video.content_sha256).is_not(None)
        async with self._transaction() as session:
            video = await compare_and_set(session, video_id, [VideoStatus.ERROR], values, uploaded)
            if video is None:
                raise await conflict(session, video_id, "be retried")
        return video

    async def delete(self, video_id: UUID) -> bool:
        """Remove the row and its idempotency key, whatever its status. False when there was none."""
        async with self._transaction() as session:
            deleted = await session.scalar(delete(Video).where(col(Video.id) == video_id).returning(col(Video.id)))
        return deleted is not None

    # Reading

    async def get(self, video_id: UUID, user_id: str | None = None) -> Video | None:
        """The row, or None; with ``user_id`` only if it is that user's."""
        query = select(Video).where(col(Video.id) == video_id, *_of_user(user_id))
        async with self._transaction() as session:
            return cast("Video | None", await session.scalar(query))

    async def list_page(
        self, user_id: str, *, status: VideoStatus | None, limit: int, after: PageCursor | None
    ) -> VideoPage:
        """One page of the user's videos, newest first.

        Args:
            user_id: Whose.
            status: Only those in this status, or None for all.
            limit: Most videos on the page, at least 1.
            after: ``next_cursor`` of the page before, or None for the first.
        """
        query = page_query(user_id, status=status, limit=limit, after=after)
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

    # For the reconciler

    async def list_processing(self, *, updated_before: datetime, limit: int, after: Video | None = None) -> list[Video]:
        """Videos in ``processing`` that nothing has changed since ``updated_before``, the longest unchanged first.

        Args:
            updated_before: Only rows that were last changed before.
            limit: Most rows of one batch.
            after: The last row of the batch before this one, or None for the first.
        """
        place = (col(Video.updated_at), col(Video.id))
        query = (
            select(Video)
            .where(col(Video.status) == VideoStatus.PROCESSING, col(Video.updated_at) < updated_before)
            .order_by(*place)
            .limit(limit)
        )
        if after is not None:
            query = query.where(tuple_(*place) > tuple_(after.updated_at, after.id))
        async with self._transaction() as session:
            return list(await session.scalars(query))

    async def list_expired_uploads(self, *, now: datetime, limit: int) -> list[Video]:
        """Videos in ``uploading`` whose time was over before ``now``, the longest expired first."""
        query = (
            select(Video)
            .where(col(Video.status) == VideoStatus.UPLOADING, col(Video.upload_expires_at) < now)
            .order_by(col(Video.upload_expires_at), col(Video.id))
            .limit(limit)
        )
        async with self._transaction() as session:
            return list(await session.scalars(query))


def _of_user(user_id: str | None) -> list[ColumnElement[bool]]:
    return [] if user_id is None else [col(Video.user_id) == user_id]
