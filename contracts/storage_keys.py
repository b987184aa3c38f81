"""Storage keys: relative POSIX paths that name a file to every part, wherever the bytes live."""

from dataclasses import dataclass
from typing import Final

VIDEO_NAME: Final = "video.mp4"
THUMBNAIL_NAME: Final = "thumbnail.jpg"
ORIGINALS_PREFIX: Final = "originals/"
WORK_PREFIX: Final = "work/"
PROCESSED_PREFIX: Final = "processed/"
CHECKS_PREFIX: Final = "checks/"
"""Small files that are gone at once: whether the place takes them, and by which clock."""
MOVING_PREFIX: Final = "moving/"
"""Empty files that are there while files are copied to the place, and after that was killed."""

FIRST_EDITION: Final = 0
"""Of the files that a run publishes while nobody is served any; one that makes a ready video anew has another."""

PUBLISHED_NAMES: Final = (VIDEO_NAME, THUMBNAIL_NAME)
"""Of the files of an edition."""


def original_key(video_id: str, extension: str) -> str:
    """Key of the uploaded file; ``extension`` has its dot (``".mp4"``) and comes from the allowed list."""
    return f"{ORIGINALS_PREFIX}{video_id}{extension}"


def work_key(video_id: str, name: str) -> str:
    """Key of a file that one step writes for another; gone when the run has ended."""
    return work_folder(video_id) + name


def work_folder(video_id: str) -> str:
    """What the keys of all work files of a video begin with."""
    return f"{WORK_PREFIX}{video_id}/"


def processed_key(video_id: str, name: str, edition: int = FIRST_EDITION) -> str:
    """Key of a published file, of this edition."""
    return edition_folder(video_id, edition) + name


def processed_folder(video_id: str) -> str:
    """What the keys of all published files of a video begin with, of every edition."""
    return f"{PROCESSED_PREFIX}{video_id}/"


def edition_folder(video_id: str, edition: int) -> str:
    """What the keys of the published files of an edition begin with; the others are below that of the first."""
    folder = processed_folder(video_id)
    return folder if edition == FIRST_EDITION else f"{folder}{edition}/"


def edition_of(key: str) -> int:
    """Of which edition a published file is, or was to become."""
    folder = key.removeprefix(PROCESSED_PREFIX).split("/")[1:-1]
    return int(folder[0]) if folder and folder[0].isdecimal() else FIRST_EDITION


def public_url(key: str) -> str:
    """The path under which the api serves a published file."""
    return f"/uploads/{key}"


@dataclass(frozen=True)
class WorkFile:
    """A finished file below ``work/``; it does not change any more.

    Attributes:
        key: Its storage key.
        size_bytes: How large it is.
    """

    key: str
    size_bytes: int
