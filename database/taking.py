"""Rows of uploads and imports that begin, and uploads that end. Each method is one transaction."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col

from contracts.errors import ErrorCode
from contracts.status import VideoStatus
from database.changes import (
    compare_and_set,
    conflict,
    error_values,
    in_hand,
    insert_video,
    is_expired,
    left_behind,
    looked_at_as_before,
    upload_failed,
    video_of_key,
)
from database.quotas import check_what_came, owner_held
from database.reading import VideosToRead
from database.records import NewVideo
from database.tables import Video


class UploadsToTake(VideosToRead):
    """What is done until there is a file, beside what can be read. All raise ``DatabaseUnavailable``."""

    def _changed(self, video: Video) -> None:
        """For whoever counts: this call, and no other, has finished the video's upload or ended its run."""

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

    async def describe_upload(
        self, video_id: UUID, *, title: str | None, profile: str | None, user_metadata: Mapping[str, str]
    ) -> None:
        """Write into a row in ``uploading`` what its sender said beside the bytes. Written already is a success.

        Args:
            video_id: The row.
            title: Replaces the title, or None to keep it.
            profile: Replaces the encoding profile, or None to keep it.
            user_metadata: Added to what its caller keeps with it.

        Raises:
            StatusConflict: The upload was cancelled, expired or deleted meanwhile.
        """
        said = {name: value for name, value in (("title", title), ("profile", profile)) if value is not None}
        values: dict[str, Any] = {**said, **looked_at_as_before()}
        if user_metadata:
            values["user_metadata"] = col(Video.user_metadata).concat(dict(user_metadata))
        async with self._transaction() as session:
            if await compare_and_set(session, video_id, [VideoStatus.UPLOADING], values) is None:
                raise await conflict(session, video_id, "be described")

    async def finish_upload(
        self, video_id: UUID, *, file_size_bytes: int, content_sha256: str | None, only_expired: bool = False
    ) -> Video:
        """``uploading -> processing``: the file is complete and durable.

        Args:
            video_id: The row.
            file_size_bytes: Size of the file.
            content_sha256: Its SHA-256, as 64 hexadecimal digits; None where the run has to compute it.
            only_expired: Only where its time is over, so that nobody else has it in hand. It may have been accepted
                before the rows were put back, so nobody asks again what its user may keep.

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
            "uploaded_at": func.now(),
            **in_hand(),
        }
        async with self._transaction() as session:
            owner = await owner_held(session, video_id)
            conditions = [is_expired()] if only_expired else []
            video = await compare_and_set(session, video_id, [VideoStatus.UPLOADING], values, *conditions)
            if video is None:
                raise await conflict(session, video_id, "finish its upload")
            if video.upload_length is None and not only_expired:
                await check_what_came(session, owner)
        self._changed(video)
        return video

    async def interrupt_upload(self, video_id: UUID, reason: str) -> bool:
        """``uploading -> error``, code ``upload_interrupted``. False when the row is not in ``uploading`` any more."""
        values = error_values(ErrorCode.UPLOAD_INTERRUPTED, reason) | left_behind()
        async with self._transaction() as session:
            return await compare_and_set(session, video_id, [VideoStatus.UPLOADING], values) is not None
