"""Where bytes live, behind one small protocol, so that local disk can become a bucket.

Everything is named by storage keys (``contracts.storage_keys``) or by a video's id; paths never cross a Temporal
boundary. Every method raises ``StorageFailed`` when the disk refuses, with a sentence that says what to do.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class OriginalWriter(Protocol):
    """An upload on its way: invisible under its key until ``commit``. One caller at a time."""

    async def write(self, *pieces: bytes | memoryview) -> None:
        """Append bytes, off the event loop, without copying them: a mebibyte at a time is about right.

        Raises:
            StorageFailed: The disk refused; only ``discard`` makes sense then.
        """

    @property
    def sha256(self) -> str:
        """SHA-256 of what was written so far, as 64 hexadecimal digits."""

    async def commit(self) -> None:
        """Make the bytes durable, then visible under the key: fsync, rename, fsync of the folder."""

    async def discard(self) -> None:
        """Remove what was written. Does nothing after ``commit`` or a second time."""


class Storage(Protocol):
    """The files of videos: originals, scratch, processed."""

    async def create_original(self, key: str) -> OriginalWriter:
        """Open the original under ``key`` for writing."""

    async def original_path(self, key: str) -> Path:
        """A local path to read the original from. Raises ``OriginalMissing``."""

    async def delete_original(self, key: str) -> None:
        """Remove the original and any part of it; one that is gone already is a success."""

    async def scratch_folder(self, video_id: str) -> Path:
        """The video's scratch folder, made if it is not there."""

    async def clean_scratch(self, video_id: str) -> None:
        """Remove the video's scratch folder; one that is gone already is a success."""

    async def publish(self, video_id: str, names: Sequence[str]) -> dict[str, int]:
        """Move the named files of the video's scratch folder to ``processed/{video_id}/``, all at once.

        Nobody sees a folder with some of them. Running it again after it succeeded succeeds, also when scratch is gone.

        Returns:
            Size in bytes of each published file, by name.

        Raises:
            StorageFailed: A file is neither in scratch nor published, or the disk refused.
        """

    async def processed_path(self, video_id: str, name: str) -> Path:
        """A local path to read a published file from. Raises ``FileNotFoundError`` when there is none of that name."""

    async def withdraw(self, video_id: str) -> None:
        """Remove what was published of the video; nothing there is a success."""

    async def check_writable(self) -> None:
        """Raise ``StorageFailed`` unless originals, processed and scratch can be written to."""
