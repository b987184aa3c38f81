"""Every change of videos, by name. Each method is one transaction.

Every change of ``status`` is one conditional UPDATE (compare-and-set): it names the status and, where a workflow run
asks, the attempt that it starts from, so that of several callers exactly one wins and the others learn it.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeGuard
from uuid import UUID

from sqlalchemy import delete, func, or_
from sqlmodel import col

from contracts.errors import ErrorCode, VideoCancelled
from contracts.metadata import merged_metadata
from contracts.status import VideoStatus
from contracts.storage_keys import FIRST_EDITION
from database.changes import (
    CANCELLED_REASON,
    compare_and_set,
    conflict,
    error_of_run_values,
    error_values,
    fetched_values,
    insert_video,
    is_reprocessing,
    ready_values,
    upload_failed,
    video_of_key,
)
from database.editions import forget_all
from database.pages import PageCursor, VideoFilter, VideoPage
from database.quotas import check_what_came, owner_held
from database.reading import VideosToRead
from database.records import FetchedOriginal, IdempotencyKeyTaken, NewVideo, PublishedVideo, VideoChange
from database.tables import Video, utc_now

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


class Videos(VideosToRead):
    """The changes, beside what can be read. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    def _changed(self, video: Video) -> None:
        """For whoever counts: this call, and no other, has finished the video's upload or ended its run."""

    # The upload

    async def create_uploading(self, new: NewVideo, idempotency_key: str | None = None) -> Video:
        """Insert the row of an upload that begins, in ``uploading``.

        A key whose earlier upload never finished may be used again, and then belongs to the new video.

        Raises:
            IdempotencyKeyTaken: The key belongs to an upload that runs or has finished; nothing was inserted.
        """
        async with self._transaction() as session:
            return await insert_video(session, new, VideoStatus.UPLOADING, idempotency_key)

    async def create_import(self, new: NewVideo, idempotency_key: str | None = None) -> Video:
        """Insert the row of an import, in ``processing``: its run fetches the original.

        Raises:
            IdempotencyKeyTaken: As ``create_uploading``.
        """
        async with self._transaction() as session:
            return await insert_video(session, new, VideoStatus.PROCESSING, idempotency_key)

    async def find_by_idempotency_key(self, user_id: str, key: str) -> Video | None:
        """The video that the key belongs to, or None while the key may be used for a new upload."""
        async with self._transaction() as session:
            video = await video_of_key(session, user_id, key)
        return video if video is not None and not upload_failed(video) else None

    async def finish_upload(
        self,
        video_id: UUID,
        *,
        title: str | None = None,
        profile: str | None = None,
        user_metadata: Mapping[str, str] | None = None,
        file_size_bytes: int,
        content_sha256: str | None,
    ) -> Video:
        """``uploading -> processing``: the file is complete and durable.

        Args:
            video_id: The row.
            title: Replaces the title, or None to keep it.
            profile: Replaces the encoding profile, or None to keep it.
            user_metadata: Added to what its caller keeps with it.
            file_size_bytes: Size of the file.
            content_sha256: Its SHA-256, as 64 hexadecimal digits; None where the run has to compute it.

        Raises:
            StatusConflict: The upload was cancelled, expired or deleted meanwhile.
            QuotaExceeded: It did not say its size before, and is more than its user may keep.
        """
        values: dict[str, Any] = {
            "status": VideoStatus.PROCESSING,
            "file_size_bytes": file_size_bytes,
            "content_sha256": content_sha256,
            "upload_offset": file_size_bytes,
            "upload_expires_at": None,
            "upload_lease": None,
            "upload_lease_until": None,
            "uploaded_at": utc_now(),
        }
        values |= {name: said for name, said in (("title", title), ("profile", profile)) if said is not None}
        if user_metadata:
            values["user_metadata"] = col(Video.user_metadata).concat(dict(user_metadata))
        async with self._transaction() as session:
            owner = await owner_held(session, video_id)
            video = await compare_and_set(session, video_id, [VideoStatus.UPLOADING], values)
            if video is None:
                raise await conflict(session, video_id, "finish its upload")
            if video.upload_length is None:
                await check_what_came(session, owner)
        self._changed(video)
        return video

    async def interrupt_upload(self, video_id: UUID, reason: str) -> bool:
        """``uploading -> error``, code ``upload_interrupted``. False when the row is not in ``uploading`` any more."""
        values = error_values(ErrorCode.UPLOAD_INTERRUPTED, reason)
        async with self._transaction() as session:
            return await compare_and_set(session, video_id, [VideoStatus.UPLOADING], values) is not None

    # Processing

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
        values = fetched_values(original)
        async with self._transaction() as session:
            owner = await owner_held(session, video_id)
            if not await compare_and_set(session, video_id, [VideoStatus.PROCESSING], values, attempt=attempt):
                raise await conflict(session, video_id, f"take its original with attempt {attempt}")
            await check_what_came(session, owner)

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
            yield await session.get(Video, video_id, with_for_update=True)

    async def request_cancel(self, video_id: UUID, attempt: int) -> bool:
        """Note in a row in ``processing`` that it is to end as cancelled; from then on it can't become ``ready``.

        Returns:
            Whether the row is so marked, by this call or an earlier one. False when it has moved on.
        """
        values = {"cancel_requested_at": func.coalesce(col(Video.cancel_requested_at), utc_now())}
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
        values = error_values(ErrorCode.CANCELLED, CANCELLED_REASON)
        async with self._transaction() as session:
            return await compare_and_set(session, video_id, open_statuses, values, attempt=attempt) is not None

    async def start_retry(self, video_id: UUID, *, of: VideoStatus = VideoStatus.ERROR) -> Video:
        """``error -> processing`` with the next attempt; its error, warnings and cancel are forgotten.

        Args:
            video_id: The row.
            of: The status that it is in; ``ready`` for one whose published files are to be made anew.

        Raises:
            StatusConflict: The row is in another status, or its upload never finished, so that there is no file, or it
                is being made anew.
        """
        values = {
            "status": VideoStatus.PROCESSING,
            "attempt": col(Video.attempt) + 1,
            "error_code": None,
            "error_reason": None,
            "warnings": [],
            "cancel_requested_at": None,
            "published_edition": FIRST_EDITION,
            "reprocess_profile": None,
            "reprocess_error_code": None,
            "reprocess_error_reason": None,
        }
        uploaded = or_(col(Video.uploaded_at).is_not(None), col(Video.source_url).is_not(None))
        async with self._transaction() as session:
            video = await compare_and_set(session, video_id, [of], values, uploaded, ~is_reprocessing())
            if video is None:
                raise await conflict(session, video_id, "be retried")
            await forget_all(session, video_id)
        return video

    async def delete(self, video_id: UUID) -> bool:
        """Remove the row and its idempotency key, whatever its status. False when there was none."""
        async with self._transaction() as session:
            deleted = await session.scalar(delete(Video).where(col(Video.id) == video_id).returning(col(Video.id)))
        return deleted is not None

    async def change(self, video_id: UUID, change: VideoChange) -> Video | None:
        """What its owner may change at any time; of several changes at once each sees the one before.

        Returns:
            The row, or None when there is none.

        Raises:
            Refused: What its metadata would become can't be kept; nothing was changed.
        """
        async with self.held(video_id) as video:
            if video is None or video.status == VideoStatus.DELETING:
                return None
            for patch in change.metadata_patches:
                video.user_metadata = merged_metadata(video.user_metadata, patch)
            if change.title is not None:
                video.title = change.title
            if change.visibility is not None:
                video.visibility = change.visibility.value
            video.updated_at = utc_now()
        return video


def _is_processing(video: Video | None, attempt: int) -> TypeGuard[Video]:
    return video is not None and (video.status, video.attempt) == (VideoStatus.PROCESSING, attempt)
