"""How much a user has, held against what the user may have, in the transaction that would add to it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Float, and_, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.event_types import EventType
from contracts.refusals import QuotaExceeded
from contracts.status import VideoStatus
from database.records import NewVideo
from database.tables import Event, User, Video, utc_now

_DAY: Final = timedelta(days=1)
_MINUTE_SECONDS: Final = 60
_SOON_SECONDS: Final = 30
_LATER_SECONDS: Final = 3600


@dataclass(frozen=True)
class Usage:
    """What a user has now.

    Attributes:
        uploads_in_flight: Uploads that are on their way.
        stored_bytes: Size of the uploaded files that are kept, and of those that are announced. What is being deleted
            counts until it is gone.
        deleting_bytes: Of those, what is being deleted.
        minutes_today: Length of the videos made in the last 24 hours, in whole minutes, rounded up; of those that the
            user has had made anew as well, once for each time that it was begun.
    """

    uploads_in_flight: int
    stored_bytes: int
    deleting_bytes: int
    minutes_today: int


async def usage_of(session: AsyncSession, user_id: str) -> Usage:
    """Count what the user has."""
    uploading = col(Video.status) == VideoStatus.UPLOADING
    deleting = col(Video.status) == VideoStatus.DELETING
    lost = and_(col(Video.status) == VideoStatus.ERROR, col(Video.uploaded_at).is_(None))
    size = case((lost, 0), (uploading, func.coalesce(col(Video.upload_length), 0)), else_=col(Video.file_size_bytes))
    today = col(Video.created_at) > utc_now() - _DAY
    query = select(
        func.count().filter(uploading),
        func.coalesce(func.sum(size), 0),
        func.coalesce(func.sum(size).filter(deleting), 0),
        func.coalesce(func.sum(col(Video.duration_seconds)).filter(today), 0.0),
    ).where(col(Video.user_id) == user_id)
    in_flight, stored, leaving, seconds = (await session.execute(query)).one()
    seconds = float(seconds) + await _seconds_made_anew(session, user_id)
    return Usage(in_flight, int(stored), int(leaving), -int(-seconds // _MINUTE_SECONDS))


async def _seconds_made_anew(session: AsyncSession, user_id: str) -> float:
    """Told by events, as a video can be made anew several times in a day."""
    query = select(func.coalesce(func.sum(cast(Event.video["duration_seconds"].astext, Float)), 0.0)).where(
        col(Event.user_id) == user_id,
        col(Event.type) == EventType.REPROCESSING,
        col(Event.created_at) > utc_now() - _DAY,
        Event.video["reprocess_counts"].astext == "true",
    )
    return float(await session.scalar(query) or 0.0)


async def check_quota(session: AsyncSession, new: NewVideo) -> None:
    """Return if the user may add this video.

    The user's row is locked until the transaction ends, so that of two uploads at once the second sees the first.

    Raises:
        QuotaExceeded: It would be too much.
    """
    user = await session.scalar(select(User).where(col(User.name) == new.user_id).with_for_update())
    if user is None or (user.max_uploads_in_flight, user.max_stored_bytes, user.max_minutes_a_day) == (None,) * 3:
        return
    usage = await usage_of(session, new.user_id)
    if user.max_uploads_in_flight is not None and usage.uploads_in_flight >= user.max_uploads_in_flight:
        raise QuotaExceeded(
            f"{usage.uploads_in_flight} uploads are on their way, and {user.max_uploads_in_flight} may be at once. "
            "Let one end first.",
            _SOON_SECONDS,
        )
    wanted = usage.stored_bytes + (new.upload_length or 1)  # a form tells no length beforehand
    if user.max_stored_bytes is not None and wanted > user.max_stored_bytes:
        raise QuotaExceeded(
            f"{usage.stored_bytes} of {user.max_stored_bytes} bytes are used, so there is no room for this file. "
            "Delete videos that are not needed.",
            _SOON_SECONDS if usage.deleting_bytes else _LATER_SECONDS,
        )
    _check_minutes(user, usage)


async def check_minutes(session: AsyncSession, video_id: UUID) -> None:
    """Return if the owner of this video may have it made anew today; locks the user's row as ``check_quota``.

    Raises:
        QuotaExceeded: It would be too much.
    """
    owner = select(col(Video.user_id)).where(col(Video.id) == video_id).scalar_subquery()
    user = await session.scalar(select(User).where(col(User.name) == owner).with_for_update())
    if user is not None and user.max_minutes_a_day is not None:
        _check_minutes(user, await usage_of(session, user.name))


def _check_minutes(user: User, usage: Usage) -> None:
    if user.max_minutes_a_day is not None and usage.minutes_today >= user.max_minutes_a_day:
        raise QuotaExceeded(
            f"{usage.minutes_today} minutes of video were made in the last 24 hours, and {user.max_minutes_a_day} may "
            "be. Come back later.",
            _LATER_SECONDS,
        )
