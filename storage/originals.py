"""An upload on its way to a local disk."""

import os
from io import FileIO
from pathlib import Path
from typing import Final

from storage.disk import off_loop, sync_path, told_as_storage_failed

BATCH_BYTES: Final = 1024 * 1024
"""So much is collected before a thread writes it: pieces from a socket are small, and a hop to a thread is not free."""

_DOING: Final = "store the upload"


def part_path(path: Path) -> Path:
    """Where the file is written until it is complete."""
    return path.with_name(path.name + ".part")


class LocalOriginalWriter:
    """``storage.protocol.OriginalWriter`` on a local disk: ``name.part``, renamed to ``name`` by ``commit``.

    One caller at a time. A writer that was never committed or discarded leaves its part file behind.
    """

    def __init__(self, path: Path) -> None:
        """Describe the file; ``open`` makes it."""
        self._path = path
        self._part = part_path(path)
        self._file: FileIO | None = None
        self._waiting = bytearray()
        self._committed = False

    async def open(self) -> None:
        """Make the part file, empty. Raises ``StorageFailed``; when cancelled, leaves nothing."""
        try:
            await off_loop(self._open)
        except BaseException:
            await self.discard()
            raise

    async def write(self, piece: bytes) -> None:
        """Append bytes. They are on their way to the disk after about a mebibyte, and on it after ``commit``.

        Raises:
            StorageFailed: The disk refused; only ``discard`` makes sense then.
        """
        self._waiting += piece
        if len(self._waiting) >= BATCH_BYTES:
            batch, self._waiting = self._waiting, bytearray()
            await off_loop(self._append, batch)

    async def commit(self) -> None:
        """Make the bytes durable, then visible under the key: fsync, rename, fsync of the folder.

        A caller that is cancelled here may find the original complete; ``delete_original`` removes either.

        Raises:
            StorageFailed: The disk refused; only ``discard`` makes sense then.
        """
        await off_loop(self._commit)

    async def discard(self) -> None:
        """Remove what was written. Does nothing after ``commit`` or a second time."""
        await off_loop(self._discard)

    def _open(self) -> None:
        with told_as_storage_failed(_DOING, self._path.parent):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(self._part, "w")

    def _append(self, batch: bytearray) -> None:
        if self._file is None:
            raise ValueError("The upload is not open.")
        with told_as_storage_failed(_DOING, self._path.parent):
            try:
                rest = memoryview(batch)
                while rest:
                    rest = rest[self._file.write(rest) :]
            except OSError:
                # There is a hole now: nothing after it may be committed.
                self._close()
                raise

    def _commit(self) -> None:
        self._append(self._waiting)
        self._waiting = bytearray()
        assert self._file is not None, "_append has looked"  # noqa: S101 - for the type checker
        with told_as_storage_failed(_DOING, self._path.parent):
            try:
                os.fsync(self._file.fileno())
            finally:
                self._close()
            self._part.rename(self._path)
            self._committed = True
            sync_path(self._path.parent)

    def _discard(self) -> None:
        self._waiting = bytearray()
        self._close()
        if not self._committed:
            with told_as_storage_failed("remove the unfinished upload", self._path.parent):
                self._part.unlink(missing_ok=True)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()
