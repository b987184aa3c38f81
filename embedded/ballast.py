"""Room on the home's disk that is kept for the moment in which there is no other.

PostgreSQL can't commit on a full disk, and so nobody can delete a video there. A file that takes some room while there
is enough is removed when there is none, which is enough to delete by.
"""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

BALLAST_NAME: Final = "ballast"
_MEBIBYTE: Final = 1024 * 1024
_FULL_BELOW_BYTES: Final = 20 * _MEBIBYTE
"""PostgreSQL ends where it can't make the next 16 MiB of its log."""
_LOOK_EVERY_SECONDS: Final = 2.0


class Ballast:
    """The file, for one home; 0 bytes for none."""

    def __init__(self, home: Path, size_bytes: int, announce: Callable[[str], None]) -> None:
        """Make nothing yet.

        Args:
            home: The folder that it lies in, and whose disk it is about.
            size_bytes: How much it holds.
            announce: Told in a sentence when it was given back.
        """
        self._home = home
        self._file = home / BALLAST_NAME
        self._size_bytes = size_bytes
        self._announce = announce

    async def keep(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    def look(self) -> None:
        """Give it back where the disk is full, and take it where there is three times as much room."""
        try:
            self._look()
        except OSError as error:
            self._announce(f"{self._file} can't be kept: {error.strerror or error}.")

    def _look(self) -> None:
        free_bytes = shutil.disk_usage(self._home).free
        if self._file.exists():
            if self._size_bytes == 0:
                self._file.unlink()
            elif free_bytes < _FULL_BELOW_BYTES:
                self._file.unlink()
                self._announce(
                    f"The disk of {self._home} is full. What was kept for that, {self._size_bytes // _MEBIBYTE} MiB, "
                    "is free now, so that videos can be deleted: `rushes delete ID`. It is taken again once there is "
                    "room."
                )
        elif self._size_bytes and free_bytes > _FULL_BELOW_BYTES + 3 * self._size_bytes:
            self._take()

    def _take(self) -> None:
        part = self._file.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size_bytes)
        finally:
            os.close(descriptor)
        part.rename(self._file)
