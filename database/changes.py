"""The statements that change a row, for ``database.videos``; each runs in its caller's transaction."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.errors import ErrorCode, StatusConflict
from contracts.status import VideoStatus
from database.clock import database_now
from database.quotas import check_quota
from database.records import FetchedOriginal, IdempotencyKeyTaken, NewVideo, PublishedVideo
from database.tables import IdempotencyKey, Video

CANCELLED_REASON: Final = "The video was cancelled."
REPROCESS_CANCELLED_REASON: Final = "It was cancelled. What was published before stays."
_REMOVED_AGAIN_AFTER: Final = timedelta(minutes=1)
"""Whoever still writes has lost its lease by then."""
_IN_HAND: Final = timedelta(seconds=10)
"""So long a row is left to the request that changed it."""
_TOLD_BY_ERROR: Final = ("error_code", "error_reason")


async def compare_and_set(
    session: AsyncSession,
    video_id: UUID,
    expected: Collection[VideoStatus],
    values: dict[str, Any],
    *conditions: ColumnElement[bool],
    attempt: int | None = None,
) -> Video | None:
    """Set the values if the row is in an expected status, in one UPDATE.

    Args:
        session: In a transaction.
        video_id: The row.
        expected: Statuses to start from.
        values: By column; ``updated_at`` is set as well, and ``next_look_at`` is emptied where they do not tell it.
        conditions: More that must hold of the row.
        attempt: The attempt to start from, or None for any.

    Returns:
        The changed row, or None when it was not as expected.
    """
    change = (
        update(Video)
        .where(col(Video.id) == video_id, col(Video.status).in_(expected), *conditions)
        .values(**{"next_look_at": None} | values, updated_at=func.now())
        .returning(Video)
    )
    if attempt is not None:
        change = change.where(col(Video.attempt) == attempt)
    return cast("Video | None", await session.scalar(change))


def error_values(code: ErrorCode, reason: str) -> dict[str, Any]:
    """The values of a row in ``error``."""
    return {
        "status": VideoStatus.ERROR,
        "error_code": code,
        "error_reason": _storable(reason),
        "failed_at": func.now(),
        "upload_expires_at": None,
        "upload_lease": None,
        "upload_lease_until": None,
    }


def in_hand() -> dict[str, Any]:
    """The value of a row for which a run, or a word to it, is due if whoever changes it does not see to that now."""
    return {"next_look_at": func.now() + _IN_HAND}


def looked_at_as_before() -> dict[str, Any]:
    """The value of a row whose change is no reason to look at it at another time."""
    return {"next_look_at": col(Video.next_look_at)}


def left_behind() -> dict[str, Any]:
    """The values, beside those of an error, of a row whose bytes are to be removed: once more a little later."""
    later = func.now() + _REMOVED_AGAIN_AFTER
    return {"next_look_at": case((col(Video.status) == VideoStatus.UPLOADING, later), else_=None)}


def error_of_run_values(code: ErrorCode, reason: str) -> dict[str, Any]:
    """The values of a row whose run ended in an error: those of a cancel where one was accepted before."""
    of_run, of_cancel = error_values(code, reason), error_values(ErrorCode.CANCELLED, CANCELLED_REASON)
    was_cancelled = col(Video.cancel_requested_at).is_not(None)
    decided = {name: case((was_cancelled, of_cancel[name]), else_=of_run[name]) for name in _TOLD_BY_ERROR}
    return of_run | decided


def fetched_values(original: FetchedOriginal) -> dict[str, Any]:
    """The values of a row whose original was fetched."""
    said = {"original_filename": original.filename, "title": original.title}
    return {
        "file_size_bytes": original.size_bytes,
        "content_sha256": original.sha256,
        "uploaded_at": func.now(),
        **{name: value for name, value in said.items() if value is not None},
    }


def ready_values(published: PublishedVideo) -> dict[str, Any]:
    """The values of a row in ``ready``."""
    return {"status": VideoStatus.READY, **published_values(published)}


def published_values(published: PublishedVideo) -> dict[str, Any]:
    """The values that tell what can be played."""
    warnings = [{"code": warning.code, "message": _storable(warning.message)} for warning in published.warnings]
    return {**asdict(published), "warnings": warnings}


def is_expired() -> ColumnElement[bool]:
    """The condition of an upload whose time is over by the database's clock."""
    return col(Video.upload_expires_at) < func.now()


def is_reprocessing() -> ColumnElement[bool]:
    """The condition of a row that is made anew while its files are served, as ``Video.is_reprocessing``."""
    return and_(
        col(Video.status) == VideoStatus.READY,
        col(Video.reprocess_profile).is_not(None),
        col(Video.reprocess_error_code).is_(None),
    )


def reprocess_error_values(code: ErrorCode, reason: str) -> dict[str, Any]:
    """The values of a row that was not made anew: those of a cancel where one was accepted before."""
    was_cancelled = col(Video.cancel_requested_at).is_not(None)
    return {
        "reprocess_error_code": case((was_cancelled, ErrorCode.CANCELLED), else_=code),
        "reprocess_error_reason": case((was_cancelled, REPROCESS_CANCELLED_REASON), else_=_storable(reason)),
    }


def _storable(sentence: str) -> str:
    """A sentence may quote a program's output, and PostgreSQL holds no NUL and no half of a surrogate pair."""
    return sentence.replace("\x00", "").encode("utf-8", errors="replace").decode("utf-8")


async def conflict(session: AsyncSession, video_id: UUID, wanted: str) -> StatusConflict:
    """The error to raise when the row can't do what was ``wanted`` ("be retried"); tells where it stands instead."""
    video = await session.get(Video, video_id, populate_existing=True)
    if video is None or video.status == VideoStatus.DELETING:
        return StatusConflict(f"Video {video_id} can't {wanted}: it was deleted.")
    if video.is_reprocessing:
        return StatusConflict(f"Video {video_id} can't {wanted}: it is being made anew, attempt {video.attempt}.")
    code = f" ({video.error_code})" if video.error_code is not None else ""
    return StatusConflict(f"Video {video_id} can't {wanted}: it is in {video.status}{code}, attempt {video.attempt}.")


def upload_failed(video: Video) -> bool:
    """Whether the video ended before its file was complete, so that its idempotency key is free again.

    An import can be retried without its client, so its key stays with it.
    """
    return video.status == VideoStatus.ERROR and video.uploaded_at is None and video.source_url is None


async def insert_video(session: AsyncSession, new: NewVideo, status: VideoStatus, idempotency_key: str | None) -> Video:
    """Insert a row, and give it its idempotency key.

    Raises:
        QuotaExceeded: Its user may not have more.
        IdempotencyKeyTaken: The key belongs to another video; the transaction is to be rolled back.
    """
    minutes_count = await check_quota(session, new)
    values = asdict(new)
    seconds = values.pop("upload_expires_seconds")
    now = await database_now(session)
    values |= {"created_at": now, "updated_at": now}
    if seconds is not None:
        values["upload_expires_at"] = now + timedelta(seconds=seconds)
    if status is VideoStatus.PROCESSING:
        values["next_look_at"] = now + _IN_HAND
    video = Video(**values, status=status, counted_seconds=0.0 if minutes_count else None)
    session.add(video)
    await session.flush()
    if idempotency_key is not None:
        owner = await claim_key(session, video, idempotency_key)
        if owner is not None:
            session.expunge(owner)  # the rollback would empty it
            raise IdempotencyKeyTaken(owner)
    return video


async def claim_key(session: AsyncSession, video: Video, key: str) -> Video | None:
    """Give the idempotency key to the video, a row of this transaction.

    Two requests with the same key may come at once: the second waits here until the first one's transaction ends.

    Returns:
        None when the key is the video's now, else the video that it belongs to.
    """
    row = {"user_id": video.user_id, "key": key, "video_id": video.id, "created_at": func.now()}
    new = insert(IdempotencyKey).values(row).on_conflict_do_nothing().returning(col(IdempotencyKey.video_id))
    known = (col(IdempotencyKey.user_id) == video.user_id, col(IdempotencyKey.key) == key)
    while await session.scalar(new) is None:
        # Locked first and looked at then, by a statement of its own: what it says has been committed.
        locked = await session.scalar(select(col(IdempotencyKey.video_id)).where(*known).with_for_update())
        owner = await session.get(Video, locked) if locked is not None else None
        if owner is None:
            continue  # it was deleted between the two statements, and its key with it
        if not upload_failed(owner):
            return owner
        await session.execute(update(IdempotencyKey).where(*known).values(row))
        return None
    return None


async def video_of_key(session: AsyncSession, user_id: str, key: str) -> Video | None:
    """The video that the key was last given to."""
    query = (
        select(Video)
        .join(IdempotencyKey, col(IdempotencyKey.video_id) == col(Video.id))
        .where(col(IdempotencyKey.user_id) == user_id, col(IdempotencyKey.key) == key)
    )
    return cast("Video | None", await session.scalar(query))
