"""What a change of a row is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Self
from uuid import UUID

from contracts.processing import DEFAULT_PROFILE
from contracts.status import Visibility
from contracts.warnings import VideoWarning
from database.tables import User, Video


@dataclass(frozen=True)
class NewVideo:
    """A video whose upload begins, or whose original is to be fetched.

    Attributes:
        id: Its id, chosen by the caller.
        user_id: Who uploads it.
        title: Shown to people.
        original_filename: The client's name of the file, for people only.
        original_key: Storage key that the file will have.
        upload_expires_seconds: How long from now on, by the database's clock, until an upload that is not finished
            counts as interrupted; None for an import.
        profile: Name of the encoding profile.
        source_url: Where the original of an import is; None for an upload.
        upload_length: How many bytes it will have, where the client has said so.
        user_metadata: What its caller keeps with it.
    """

    id: UUID
    user_id: str
    title: str
    original_filename: str
    original_key: str
    upload_expires_seconds: float | None
    profile: str = DEFAULT_PROFILE
    source_url: str | None = None
    upload_length: int | None = None
    user_metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VideoChange:
    """What is to change of a video by its owner's wish; None leaves it as it is.

    Attributes:
        title: Shown to people.
        visibility: Who may see its published files.
        metadata_patches: JSON merge patches of its metadata, at most one; where that is None, it takes all away.
    """

    title: str | None = None
    visibility: Visibility | None = None
    metadata_patches: Sequence[Mapping[str, str | None] | None] = ()


@dataclass(frozen=True)
class FetchedOriginal:
    """An original that was fetched, and is durable.

    Attributes:
        size_bytes: How large it is.
        sha256: Of its bytes, as 64 hexadecimal digits.
        filename: What its server calls it, or None to keep the name that is there.
        title: Replaces the title, or None to keep it.
    """

    size_bytes: int
    sha256: str
    filename: str | None = None
    title: str | None = None


@dataclass(frozen=True)
class PublishedVideo:
    """What can be played.

    Attributes:
        url_mp4: Path under which the api serves the video.
        thumbnail: Path under which it serves the picture.
        duration_seconds: Length of the video.
        width: Pixels, as displayed.
        height: Pixels, as displayed.
        warnings: What its owner should know, in the order in which it was found.
        published_bytes: Size of the video's file; None where an older run does not tell.
        published_sha256: Of the video's file; None likewise.
        thumbnail_bytes: Size of the picture's file; None likewise.
        thumbnail_sha256: Of the picture's file; None likewise.
    """

    url_mp4: str
    thumbnail: str
    duration_seconds: float
    width: int
    height: int
    warnings: tuple[VideoWarning, ...] = ()
    published_bytes: int | None = None
    published_sha256: str | None = None
    thumbnail_bytes: int | None = None
    thumbnail_sha256: str | None = None


@dataclass(frozen=True)
class UserLimits:
    """How much a user may use; None leaves it open.

    Attributes:
        max_uploads_in_flight: Uploads at a time.
        max_stored_bytes: Size of all uploaded files that are kept, and of what is published of them.
        max_minutes_a_day: Minutes of video made in 24 hours.
        max_requests_a_second: Of one api process.
    """

    max_uploads_in_flight: int | None = None
    max_stored_bytes: int | None = None
    max_minutes_a_day: int | None = None
    max_requests_a_second: int | None = None

    @classmethod
    def of(cls, user: User | None) -> Self:
        """Those of the row, or none."""
        return cls(**{limit.name: getattr(user, limit.name) for limit in fields(cls)}) if user is not None else cls()


class IdempotencyKeyTaken(Exception):
    """The ``Idempotency-Key`` belongs to an earlier upload.

    Attributes:
        video: What that upload made.
    """

    def __init__(self, video: Video) -> None:
        super().__init__(f"The idempotency key belongs to video {video.id}.")
        self.video = video
