"""Who writes an upload that goes on over several requests, and how far it is; also how far an import is.

A lease lasts for seconds and is renewed while bytes flow, so a process that dies frees its uploads as soon. Times are
those of PostgreSQL's clock: the api's processes may have others.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, extract, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.errors import ErrorCode
from contracts.status import VideoStatus
from database.changes import compare_and_set, conflict, error_values, looked_at_as_before
from database.quotas import check_what_came, owner_held
from database.tables import Video


class UploadLeases:
    """The queries. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        """Take the way to open a transaction, ``Database.transaction``."""
        self._transaction = transaction

    async def take(self, video_id: UUID, lease: UUID, seconds: float) -> Video | None:
        """Become the one who writes the upload, for so long; None while somebody else is, or it is none any more."""
        until = col(Video.upload_lease_until)
        values = {
            "upload_lease": lease,
            "upload_lease_until": _in(seconds),
            **looked_at_as_before(),
        }
        async with self._transaction() as session:
            free = or_(until.is_(None), until < func.now())
            return await compare_and_set(session, video_id, [VideoStatus.UPLOADING], values, free)

    async def left_seconds(self, video_id: UUID) -> float | None:
        """In how long an upload is forgotten, below 0 where its time is over; None where it is no upload any more."""
        left = extract("epoch", col(Video.upload_expires_at) - func.now())
        query = select(left).where(col(Video.id) == video_id, col(Video.status) == VideoStatus.UPLOADING)
        async with self._transaction() as session:
            found = await session.scalar(query)
        return None if found is None else float(found)

    async def renew(
        self, video_id: UUID, lease: UUID, seconds: float, *, offset: int | None, expires_seconds: float
    ) -> bool:
        """Go on writing for so long from now on.

        Args:
            video_id: The row.
            lease: As it was taken.
            seconds: How long.
            offset: How many bytes are durable; None to leave it as it is.
            expires_seconds: How long the upload can be gone on with from here, where more is durable than before.

        Returns:
            False where the lease belongs to another now, or the upload is none any more.
        """
        while_held = func.greatest(col(Video.upload_expires_at), _in(seconds))
        values = {"upload_lease_until": _in(seconds), "upload_expires_at": _expiry(offset, expires_seconds, while_held)}
        return await self._change(video_id, lease, values, offset)

    async def release(self, video_id: UUID, lease: UUID, *, offset: int | None, expires_seconds: float) -> bool:
        """Let another one write; what is more durable than before can be gone on with for ``expires_seconds``."""
        as_it_was = col(Video.upload_expires_at)
        values = {
            "upload_lease": None,
            "upload_lease_until": None,
            "upload_expires_at": _expiry(offset, expires_seconds, as_it_was),
        }
        return await self._change(video_id, lease, values, offset)

    async def extend(self, video_ids: Collection[UUID], seconds: float) -> None:
        """Let rows in ``uploading`` expire so many seconds from now, each of an upload in one request."""
        change = (
            update(Video)
            .where(col(Video.id).in_(video_ids), col(Video.status) == VideoStatus.UPLOADING)
            .values(upload_expires_at=_in(seconds))
        )
        async with self._transaction() as session:
            await session.execute(change)

    async def interrupt(self, reasons: Mapping[UUID, str]) -> None:
        """``uploading -> error``, code ``upload_interrupted``, of many rows; those that have moved on stay as they are.

        Args:
            reasons: By row, what is to be told.
        """
        async with self._transaction() as session:
            for reason in set(reasons.values()):
                ids = [video_id for video_id, told in reasons.items() if told == reason]
                change = (
                    update(Video)
                    .where(col(Video.id).in_(ids), col(Video.status) == VideoStatus.UPLOADING)
                    .values(
                        **error_values(ErrorCode.UPLOAD_INTERRUPTED, reason), updated_at=func.now(), next_look_at=None
                    )
                )
                await session.execute(change)

    async def note_fetch(
        self, video_id: UUID, attempt: int, *, length: int | None, offset: int, validator: str | None = None
    ) -> None:
        """Say of an import how large its original is, where that is known, and how much of it is durable.

        Args:
            video_id: The row.
            attempt: The one that fetches.
            length: Of the original; None where its server does not tell.
            offset: How many of its first bytes are durable.
            validator: By what its server names the content that they are the beginning of; None where it does not.

        Raises:
            StatusConflict: The row was cancelled without its run, retried or deleted meanwhile.
            QuotaExceeded: It is more than its user may keep.
        """
        values = {
            "upload_length": length,
            "upload_offset": offset,
            "source_validator": validator,
            **looked_at_as_before(),
        }
        async with self._transaction() as session:
            owner = await owner_held(session, video_id)
            if not await compare_and_set(session, video_id, [VideoStatus.PROCESSING], values, attempt=attempt):
                raise await conflict(session, video_id, f"be fetched with attempt {attempt}")
            await check_what_came(session, owner)

    async def reserved_bytes(self, but_for: UUID | None = None, *, rested_left_seconds: float = 0) -> int:
        """What uploads and imports of a known length have still to bring.

        Args:
            but_for: One that does not count.
            rested_left_seconds: An upload that expires within so long has rested, and does not count either.
        """
        is_import = and_(
            col(Video.status) == VideoStatus.PROCESSING,
            col(Video.source_url).is_not(None),
            col(Video.uploaded_at).is_(None),
        )
        is_upload = and_(
            col(Video.status) == VideoStatus.UPLOADING, col(Video.upload_expires_at) > _in(rested_left_seconds)
        )
        query = select(func.coalesce(func.sum(col(Video.upload_length) - col(Video.upload_offset)), 0)).where(
            or_(is_upload, is_import)
        )
        if but_for is not None:
            query = query.where(col(Video.id) != but_for)
        async with self._transaction() as session:
            return int(await session.scalar(query) or 0)

    async def _change(self, video_id: UUID, lease: UUID, values: dict[str, Any], offset: int | None) -> bool:
        told = {} if offset is None else {"upload_offset": offset}
        ours = col(Video.upload_lease) == lease
        async with self._transaction() as session:
            values = values | told | looked_at_as_before()  # who writes on is measured all the same
            changed = await compare_and_set(session, video_id, [VideoStatus.UPLOADING], values, ours)
        return changed is not None


def _expiry(offset: int | None, seconds: float, otherwise: Any) -> Any:
    """Bytes put the end off, and nothing else does: or a request without any would hold its room for ever."""
    return otherwise if offset is None else case((col(Video.upload_offset) < offset, _in(seconds)), else_=otherwise)


def _in(seconds: float) -> Any:
    return func.now() + timedelta(seconds=seconds)
