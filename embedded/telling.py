"""Whoever waits at a start is told for what."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

TELL_SECONDS: Final = 5.0


@asynccontextmanager
async def told_while(
    announce: Callable[[str], None] | None, sentence: Callable[[str], str], every_seconds: float = TELL_SECONDS
) -> AsyncIterator[None]:
    """While the block lasts, say again and again what it waits for; nothing in its first moments.

    Args:
        announce: Told; None for nobody.
        sentence: What to say, from a text like ``for 5 s now``.
        every_seconds: Before the first time, and between two.
    """
    if announce is None:
        yield
        return
    telling = asyncio.create_task(_tell(announce, sentence, every_seconds))
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _tell(announce: Callable[[str], None], sentence: Callable[[str], str], every_seconds: float) -> None:
    begun = time.monotonic()
    while True:
        await asyncio.sleep(every_seconds)
        announce(sentence(f"for {time.monotonic() - begun:.0f} s now"))
