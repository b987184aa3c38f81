"""How much a user has, held against what the user may have, in the transaction that would add to it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Float, and_, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.event_types import EventType
from contracts.refusals import QuotaExceeded
from contracts.sizes import size_text
from contracts.status import VideoStatus
from database.records import NewVideo
from database.tables import Event, User, Video

_DAY: Final = timedelta(days=1)
_MINUTE_SECONDS: Final = 60
_SOON_SECONDS: Final = 30
_LATER_SECONDS: Final = 3600


@dataclass(frozen=True)
class Usage:
    """What a user has now.

    Attributes:
        uploads_in_flight: Uploads and imports that are on their way.
        stored_bytes: Size of the uploaded files that are kept, of what is published of them, and of those that are
            announced. What is being deleted counts until it is gone.
        deleting_bytes: Of those, what is being deleted.
        minutes_today: Length of the videos made in the last 24 hours, in whole minutes, rounded up; of those that the
            user has had made anew as well, once for each time that it was begun. Where there is a limit, also of those
            that are on their way and have been looked at.
    """

    uploads_in_flight: int
    stored_bytes: int
    deleting_bytes: int
    minutes_today: int


async def usage_of(session: AsyncSession, user_id: str) -> Usage:
    """Count what the user has."""
    never_came = col(Video.uploaded_at).is_(None)
    fetched = and_(col(Video.status) == VideoStatus.PROCESSING, col(Video.source_url).is_not(None), never_came)
    coming = or_(col(Video.status) == VideoStatus.UPLOADING, fetched)
    deleting = col(Video.status) == VideoStatus.DELETING
    lost = and_(col(Video.status) == VideoStatus.ERROR, never_came)
    announced = func.greatest(func.coalesce(col(Video.upload_length), 0), col(Video.upload_offset))
    published = func.coalesce(col(Video.published_bytes), 0) + func.coalesce(col(Video.thumbnail_bytes), 0)
    size = case((lost, 0), (coming, announced), else_=col(Video.file_size_bytes) + published)
    today = col(Video.created_at) > func.now() - _DAY
    made = case((today, func.coalesce(col(Video.duration_seconds), 0.0)), else_=0.0)
    on_its_way = case((col(Video.status) == VideoStatus.PROCESSING, func.coalesce(col(Video.counted_seconds), 0.0)))
    query = select(
        func.count().filter(coming),
        func.coalesce(func.sum(size), 0),
        func.coalesce(func.sum(size).filter(deleting), 0),
        func.coalesce(func.sum(func.greatest(made, on_its_way)), 0.0),
    ).where(col(Video.user_id) == user_id)
    in_flight, stored, leaving, seconds = (await session.execute(query)).one()
    seconds = float(seconds) + await _seconds_made_anew(session, user_id) + await _seconds_deleted(session, user_id)
    return Usage(in_flight, int(stored), int(leaving), -int(-seconds // _MINUTE_SECONDS))


async def _seconds_made_anew(session: AsyncSession, user_id: str) -> float:
    """Told by events, as a video can be made anew several times in a day."""
    query = select(func.coalesce(func.sum(cast(Event.video["duration_seconds"].astext, Float)), 0.0)).where(
        col(Event.user_id) == user_id,
        col(Event.type) == EventType.REPROCESSING,
        col(Event.created_at) > func.now() - _DAY,
        Event.video["reprocess_counts"].astext == "true",
    )
    return float(await session.scalar(query) or 0.0)


async def _seconds_deleted(session: AsyncSession, user_id: str) -> float:
    """Told by events, as the rows are gone: who deletes what was made has no more minutes for that."""
    is_there = select(col(Video.id)).where(col(Video.id) == col(Event.video_id)).exists()
    query = select(func.coalesce(func.sum(cast(Event.video["duration_seconds"].astext, Float)), 0.0)).where(
        col(Event.user_id) == user_id,
        col(Event.type) == EventType.READY,
        col(Event.created_at) > func.now() - _DAY,
        ~is_there,
    )
    return float(await session.scalar(query) or 0.0)


async def check_quota(session: AsyncSession, new: NewVideo) -> bool:
    """Return if the user may add this video: whether its minutes are to be counted before it is made.

    The user's row is locked until the transaction ends, so that of two uploads at once the second sees the first.

    Raises:
        QuotaExceeded: It would be too much.
    """
    user = await session.scalar(select(User).where(col(User.name) == new.user_id).with_for_update())
    if user is None or (user.max_uploads_in_flight, user.max_stored_bytes, user.max_minutes_a_day) == (None,) * 3:
        return False
    usage = await usage_of(session, new.user_id)
    if user.max_uploads_in_flight is not None and usage.uploads_in_flight >= user.max_uploads_in_flight:
        raise _too_many_coming(usage.uploads_in_flight, user.max_uploads_in_flight)
    # Neither a form nor an import tells its length beforehand: what it came to is looked at then.
    _check_stored(user, usage, new.upload_length or 1)
    _check_minutes(user, usage)
    return user.max_minutes_a_day is not None


async def owner_held(session: AsyncSession, video_id: UUID) -> User | None:
    """The video's user, whose row is locked until the transaction ends; None where there are no limits of one."""
    owner = select(col(Video.user_id)).where(col(Video.id) == video_id).scalar_subquery()
    held: User | None = await session.scalar(select(User).where(col(User.name) == owner).with_for_update())
    return held


async def check_what_came(session: AsyncSession, user: User | None) -> None:
    """Return if what this transaction wrote of an original that told no length beforehand fits with all others.

    Raises:
        QuotaExceeded: It is too much; the transaction is to be rolled back.
    """
    if user is not None and user.max_stored_bytes is not None:
        _check_stored(user, await usage_of(session, user.name), 0)


async def check_coming(session: AsyncSession, user: User | None) -> None:
    """Return if an import that this transaction has begun once more may be on its way beside all others of its user.

    Raises:
        QuotaExceeded: They are too many; the transaction is to be rolled back.
    """
    if user is None or user.max_uploads_in_flight is None:
        return
    others = (await usage_of(session, user.name)).uploads_in_flight - 1
    if others >= user.max_uploads_in_flight:
        raise _too_many_coming(others, user.max_uploads_in_flight)


async def check_length(session: AsyncSession, user: User | None) -> None:
    """Return if a video of which this transaction has counted nothing may be made beside all others of its user.

    Raises:
        QuotaExceeded: They have used up the day.
    """
    if user is not None and user.max_minutes_a_day is not None:
        _check_minutes(user, await usage_of(session, user.name))


async def check_minutes(session: AsyncSession, video_id: UUID) -> None:
    """Return if the owner of this video may have it made anew today; locks the user's row as ``check_quota``.

    Raises:
        QuotaExceeded: It would be too much.
    """
    await check_length(session, await owner_held(session, video_id))


def _too_many_coming(coming: int, most: int) -> QuotaExceeded:
    told = f"{coming} uploads are on their way, and {most} may be at once. Let one end first."
    return QuotaExceeded(told, _SOON_SECONDS)


def _check_stored(user: User, usage: Usage, more_bytes: int) -> None:
    if user.max_stored_bytes is not None and usage.stored_bytes + more_bytes > user.max_stored_bytes:
        used, most = size_text(usage.stored_bytes), size_text(user.max_stored_bytes)
        raise QuotaExceeded(
            f"{used} of {most} are used, so there is no room for this file. Delete videos that are not needed.",
            _SOON_SECONDS if usage.deleting_bytes else _LATER_SECONDS,
        )


def _check_minutes(user: User, usage: Usage) -> None:
    if user.max_minutes_a_day is not None and usage.minutes_today >= user.max_minutes_a_day:
        raise QuotaExceeded(
            f"{usage.minutes_today} minutes of video were made in the last 24 hours or are on their way, and "
            f"{user.max_minutes_a_day} may be. Come back later.",
            _LATER_SECONDS,
        )
