"""One stack on one home at a time."""

import asyncio
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from embedded.errors import StackError
from embedded.run_file import is_alive
from embedded.telling import TELL_SECONDS, told_while

LOCK_FILE_NAME: Final = "stack.lock"
_POLL_SECONDS: Final = 0.1


class HomeTaken(StackError):
    """Another stack runs on the same home."""


class HomeLock:
    """An ``flock`` on the home, held by the stack and, through the inherited descriptor, by its children.

    A stack that was killed thus keeps the home locked until the last of its children is gone, and the next one neither
    meets its database still running nor its ports still taken.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / LOCK_FILE_NAME
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int:
        """To be passed to the children."""
        if self._descriptor is None:
            raise RuntimeError("the lock is not held")
        return self._descriptor

    async def acquire(
        self,
        *,
        within_seconds: float,
        announce: Callable[[str], None] | None = None,
        tell_seconds: float = TELL_SECONDS,
    ) -> None:
        """Take the lock, waiting for what a killed stack left behind.

        Args:
            within_seconds: How long to wait.
            announce: Told again and again what is waited for.
            tell_seconds: How often.

        Raises:
            HomeTaken: A living stack holds it, or remains of a dead one still do after ``within_seconds``.
            StackError: The lock is another user's.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StackError(
                f"{self._path} can't be opened: {error.strerror or error}. Run as the user that owns "
                f"{self._path.parent}, or set RUSHES_HOME to another folder."
            ) from error

        def still_held(since: str) -> str:
            return (
                f"Waiting for processes of a stack that ended, which still hold {self._path}, {since}, "
                f"{within_seconds:g} s at most."
            )

        try:
            async with asyncio.timeout(within_seconds), told_while(announce, still_held, tell_seconds):
                while not _try_lock(descriptor):
                    self._refuse_if_alive(descriptor)
                    await asyncio.sleep(_POLL_SECONDS)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except TimeoutError:
            os.close(descriptor)
            raise HomeTaken(
                f"Processes of a stack that ended still hold {self._path}. `fuser -v '{self._path}'` names them."
            ) from None
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back. Does nothing when it is not held."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def _refuse_if_alive(self, descriptor: int) -> None:
        written = os.pread(descriptor, 32, 0).strip()
        pid = int(written) if written.isdigit() else 0
        if pid and is_alive(pid):
            raise HomeTaken(
                f"A stack already runs on {self._path.parent} (process {pid}). Use that one, stop it with "
                f"`kill {pid}`, or set RUSHES_HOME to another folder."
            )


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
