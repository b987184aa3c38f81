"""The first question to a storage, which may take minutes where its server says nothing."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from storage.protocol import Storage

_TELL_SECONDS: Final = 5.0


async def checked(
    storage: Storage, where: str, tell: Callable[[str], None], every_seconds: float = _TELL_SECONDS
) -> None:
    """Return once files can be written everywhere, and say meanwhile what is waited for.

    Args:
        storage: What is asked.
        where: Its place, for people.
        tell: Takes a sentence.
        every_seconds: Pause between two.

    Raises:
        StorageFailed: They can't.
    """
    begun = time.monotonic()
    checking = asyncio.ensure_future(storage.check())
    try:
        while not checking.done():
            await asyncio.wait({checking}, timeout=every_seconds)
            if not checking.done():
                tell(f"Waiting for an answer of the storage {where}, for {time.monotonic() - begun:.0f} s now.")
        checking.result()
    finally:
        checking.cancel()
        await asyncio.gather(checking, return_exceptions=True)
