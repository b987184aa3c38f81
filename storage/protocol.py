"""Where bytes live, behind one small protocol, so that local disk can become a bucket.

Everything is named by storage keys (``contracts.storage_keys``) or by a video's id; paths never cross a Temporal
boundary. Every method raises ``StorageFailed`` when the disk refuses, with a sentence that says what to do.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from contracts.storage_keys import WorkFile


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

    def fetch(self, key: str) -> AbstractAsyncContextManager[Path]:
        """A local path to read the file under ``key`` from, for as long as the block lasts.

        Raises ``OriginalMissing`` for an original and ``WorkMissing`` for a work file that is not there.
        """

    def create(self, key: str) -> AbstractAsyncContextManager[Path]:
        """A local path to write a work file to, which stands durably under ``key`` once the block has succeeded.

        A file that stands there already is finished, so it stays and the new one is dropped. Nothing is left of a block
        that failed; what killed ones left of the same key goes when the next one begins.
        """

    async def discard(self, key: str) -> None:
        """Remove a work file that is not whole after all, so that it can be made anew; gone already is a success."""

    async def work_size(self, key: str) -> int | None:
        """Size in bytes of the work file under ``key``, or None if there is none."""

    async def clean_scratch(self, video_id: str) -> None:
        """Remove all work files of the video; none is a success."""

    async def publish(self, video_id: str, files: Mapping[str, WorkFile]) -> None:
        """Move work files to ``processed/{video_id}/``, each under its name there, all at once.

        Nobody sees a folder with some of them. Running it again after it succeeded succeeds, also when the work files
        are gone.

        Raises:
            WorkMissing: A file is neither among the work files nor published.
            StorageFailed: The disk refused.
        """

    async def processed_path(self, video_id: str, name: str) -> Path:
        """A local path to read a published file from. Raises ``FileNotFoundError`` when there is none of that name."""

    async def withdraw(self, video_id: str) -> None:
        """Remove what was published of the video; nothing there is a success."""

    async def check_writable(self) -> None:
        """Raise ``StorageFailed`` unless originals, processed and scratch can be written to."""
