"""Storage keys: relative POSIX paths that name a file to every part, wherever the bytes live."""

from dataclasses import dataclass
from typing import Final

VIDEO_NAME: Final = "video.mp4"
THUMBNAIL_NAME: Final = "thumbnail.jpg"
ORIGINALS_PREFIX: Final = "originals/"
WORK_PREFIX: Final = "work/"
PROCESSED_PREFIX: Final = "processed/"


def original_key(video_id: str, extension: str) -> str:
    """Key of the uploaded file; ``extension`` has its dot (``".mp4"``) and comes from the allowed list."""
    return f"{ORIGINALS_PREFIX}{video_id}{extension}"


def work_key(video_id: str, name: str) -> str:
    """Key of a file that one step writes for another; gone when the run has ended."""
    return work_folder(video_id) + name


def work_folder(video_id: str) -> str:
    """What the keys of all work files of a video begin with."""
    return f"{WORK_PREFIX}{video_id}/"


def processed_key(video_id: str, name: str) -> str:
    """Key of a published file."""
    return processed_folder(video_id) + name


def processed_folder(video_id: str) -> str:
    """What the keys of all published files of a video begin with."""
    return f"{PROCESSED_PREFIX}{video_id}/"


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
