"""Keyset pages: a page begins after a row, not after a number of rows, so it costs the same however deep it is."""

import base64
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Final, Self
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal_column, select, tuple_
from sqlmodel import col

from contracts.status import VideoStatus
from database.tables import Video

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ID_DIGITS: Final = 32
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


@dataclass(frozen=True)
class VideoFilter:
    """Which videos a list is of; what is None or empty leaves it open.

    Attributes:
        status: In this one.
        error_code: In error for this reason.
        title: Has this in its title, in small or capital letters.
        metadata: Has all of these in its metadata.
        created_after: Made then or later.
        created_before: Made before then.
        id_prefix: Has an id that begins with these hexadecimal digits; hyphens don't matter.
        user: This user's.
    """

    status: VideoStatus | None = None
    error_code: str | None = None
    title: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    created_after: datetime | None = None
    created_before: datetime | None = None
    id_prefix: str | None = None
    user: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same in SQL.

        A title is compared row by row, along the index that the page is read from: an index of the letters in a title
        needs an extension that not every PostgreSQL has, and a user's titles are read in moments.
        """
        conditions: list[ColumnElement[bool]] = []
        if self.status is not None:
            conditions.append(col(Video.status) == self.status)
        if self.error_code is not None:
            conditions.append(col(Video.error_code) == self.error_code)
        if self.title:
            conditions.append(col(Video.title).icontains(self.title, autoescape=True))
        if self.metadata:
            kept = col(Video.user_metadata)
            # The first is what the partial index is made for; PostgreSQL does not see that the second implies it.
            conditions += [
                kept != literal_column("'{}'::jsonb"),
                kept.contains(func.jsonb_build_object(*chain.from_iterable(self.metadata.items()))),
            ]
        if self.created_after is not None:
            conditions.append(col(Video.created_at) >= self.created_after)
        if self.created_before is not None:
            conditions.append(col(Video.created_at) < self.created_before)
        if self.id_prefix:
            digits = self.id_prefix.replace("-", "")[:_ID_DIGITS]
            first, last = (UUID(digits.ljust(_ID_DIGITS, filler)) for filler in "0f")
            conditions.append(col(Video.id).between(first, last))
        if self.user is not None:
            conditions.append(col(Video.user_id) == self.user)
        return conditions


EVERY_VIDEO: Final = VideoFilter()


def is_seen() -> ColumnElement[bool]:
    """Whether the video is there for people: one that is being deleted is not."""
    return col(Video.status) != VideoStatus.DELETING


def page_query(
    user_id: str | None, *, limit: int, after: PageCursor | None, wanted: VideoFilter = EVERY_VIDEO
) -> Select[Video]:
    """The query of one page, with one row more than ``limit``, which tells whether another page follows."""
    created_at, video_id = col(Video.created_at), col(Video.id)
    query = select(Video).where(is_seen(), *wanted.conditions())
    if user_id is not None:
        query = query.where(col(Video.user_id) == user_id)
    if after is not None:
        query = query.where(tuple_(created_at, video_id) < (after.created_at, after.id))
    return query.order_by(created_at.desc(), video_id.desc()).limit(limit + 1)
