"""That a command copies into a storage: what it had not compared yet when it was killed, the next one compares.

A note is an empty file there, written before the first copy, and anew between two copies once it is a minute old: then
all that was copied has been compared. So of what stands in the storage that alone may be uncompared which came since a
note that was left. One that comes to its end takes away its own and those that it found.
"""

import secrets
import time
from datetime import datetime, timedelta
from typing import Final

from contracts.storage_keys import MOVING_PREFIX
from storage.modified import modified_at
from storage.protocol import Storage
from threads.files import off_loop

_ANEW_SECONDS: Final = 60.0
_CLOCKS_DIFFER: Final = timedelta(minutes=1)
"""Between the machines of one storage, each of which may say when a file came."""


class MovingNotes:
    """Those of other commands, and that of this one.

    Args:
        target: Where the files come to.
    """

    def __init__(self, target: Storage) -> None:
        self._target = target
        self._own = f"{MOVING_PREFIX}{secrets.token_hex(8)}"
        self._written: float | None = None
        self._found: dict[str, datetime] = {}

    async def read(self) -> None:
        """Find what other commands left, or have there because they copy at this moment. Raises ``StorageFailed``."""
        self._found = {note.key: note.modified async for note in self._target.listed(MOVING_PREFIX)}

    async def leave_open(self, key: str) -> bool:
        """Whether the file that stands under ``key`` may be a copy that nobody has compared.

        Raises:
            OriginalMissing: There is no such original.
            WorkMissing: There is no such other file.
            StorageFailed: The storage does not answer.
        """
        if not self._found:
            return False
        return await modified_at(self._target, key) >= min(self._found.values()) - _CLOCKS_DIFFER

    async def before_copying(self) -> None:
        """Have a note there that is young enough; all that was copied before is compared. Raises ``StorageFailed``."""
        now = time.monotonic()
        if self._written is not None:
            if now - self._written < _ANEW_SECONDS:
                return
            await self._target.delete(self._own)
        async with self._target.create(self._own) as path:
            await off_loop(path.touch)
        self._written = now

    async def remove(self, *, found: bool) -> None:
        """Take away this command's own, now that all is compared. Raises ``StorageFailed``.

        Args:
            found: Whether to take away those of others, too, but for those that were written anew meanwhile.
        """
        if self._written is not None:
            await self._target.delete(self._own)
        if found and self._found:
            for note in [note async for note in self._target.listed(MOVING_PREFIX)]:
                if self._found.get(note.key) == note.modified:
                    await self._target.delete(note.key)
