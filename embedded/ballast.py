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

from contracts.sizes import size_text

BALLAST_NAME: Final = "ballast"
_MEBIBYTE: Final = 1024 * 1024
_FULL_BELOW_BYTES: Final = 20 * _MEBIBYTE
"""PostgreSQL ends where it can't make the next 16 MiB of its log."""
_ROOM_TO_START: Final = 150 * _MEBIBYTE
"""What a new home takes until all runs; one that was used before takes less."""
_LOOK_EVERY_SECONDS: Final = 2.0
_SOONEST_LOOK_SECONDS: Final = 0.05
_FASTEST_WRITER: Final = 256 * _MEBIBYTE
"""Bytes a second of whoever fills the disk, up to which it is seen in time."""


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
        self._part = self._file.with_suffix(".part")
        self._said = ""
        self._size_bytes = size_bytes
        self._announce = announce

    async def keep(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            pause_seconds = await asyncio.to_thread(self.look)
            await asyncio.sleep(pause_seconds)

    def tell_of_little_room(self) -> None:
        """Announce that there may be too little to start with: who has none ends or waits, and does not say why."""
        free_bytes = shutil.disk_usage(self._home).free
        if free_bytes < _ROOM_TO_START:
            self._announce(
                f"The disk of {self._home} has {size_text(free_bytes)} free; PostgreSQL and Temporal take up to "
                f"{size_text(_ROOM_TO_START)} to start."
            )

    def look(self) -> float:
        """Give it back where the disk is full, and take it where there is three times as much room.

        Returns:
            In how many seconds to look again.
        """
        try:
            pause_seconds, said = self._look(), ""
        except OSError as error:
            pause_seconds, said = _LOOK_EVERY_SECONDS, f"{self._file} can't be kept: {error.strerror or error}."
        if said and said != self._said:
            self._announce(said)
        self._said = said
        return pause_seconds

    def _look(self) -> float:
        self._part.unlink(missing_ok=True)  # of a process that was killed as it took it
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
        return pause_seconds_with(free_bytes) if self._file.exists() else _LOOK_EVERY_SECONDS

    def _take(self) -> None:
        descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size_bytes)
        except OSError:
            self._part.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        self._part.rename(self._file)


def pause_seconds_with(free_bytes: int) -> float:
    """Until the disk may be full, where so much is free."""
    soon_seconds = (free_bytes - _FULL_BELOW_BYTES) / _FASTEST_WRITER
    return min(max(soon_seconds, _SOONEST_LOOK_SECONDS), _LOOK_EVERY_SECONDS)
