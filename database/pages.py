"""Keyset pages: a page begins after a row, not after a number of rows, so it costs the same however deep it is."""

import base64
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self
from uuid import UUID

from sqlalchemy import Select, select, tuple_
from sqlmodel import col

from contracts.status import VideoStatus
from database.tables import Video

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_PACKED: Final = struct.Struct(">q16s")


@dataclass(frozen=True)
class PageCursor:
    """The last row of a page. Its text form is opaque: nobody but this class reads it.

    Attributes:
        created_at: When that row was made, with its zone.
        id: Of that row.
    """

    created_at: datetime
    id: UUID

    def encode(self) -> str:
        """The cursor as 32 characters that need no quoting in a URL."""
        microseconds = (self.created_at - _EPOCH) // _MICROSECOND
        return base64.urlsafe_b64encode(_PACKED.pack(microseconds, self.id.bytes)).decode("ascii")

    @classmethod
    def decode(cls, text: str) -> Self:
        """The cursor that ``encode`` made the text of.

        Raises:
            ValueError: It did not.
        """
        try:
            packed = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
            microseconds, id_bytes = _PACKED.unpack(packed)
            cursor = cls(_EPOCH + microseconds * _MICROSECOND, UUID(bytes=id_bytes))
        except (ValueError, OverflowError, struct.error) as error:
            raise ValueError("The cursor is not one that a page of this list gave.") from error
        return cursor


@dataclass(frozen=True)
class VideoPage:
    """One page of videos, newest first.

    Attributes:
        videos: Of this page.
        next_cursor: Where the next page begins, or None on the last page.
    """

    videos: tuple[Video, ...]
    next_cursor: PageCursor | None


def page_query(
    user_id: str | None, *, status: VideoStatus | None, limit: int, after: PageCursor | None
) -> Select[Video]:
    """The query of one page, with one row more than ``limit``, which tells whether another page follows."""
    created_at, video_id = col(Video.created_at), col(Video.id)
    query = select(Video)
    if user_id is not None:
        query = query.where(col(Video.user_id) == user_id)
    if status is not None:
        query = query.where(col(Video.status) == status)
    if after is not None:
        query = query.where(tuple_(created_at, video_id) < (after.created_at, after.id))
    return query.order_by(created_at.desc(), video_id.desc()).limit(limit + 1)
