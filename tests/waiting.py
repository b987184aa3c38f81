"""Wait on conditions, never on the clock."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(ask: Callable[[], Awaitable[T]], enough: Callable[[T], bool], *, within_seconds: float = 20) -> T:
    """Ask until the answer is enough, and return it.

    Raises:
        TimeoutError: It was not enough in time.
    """
    async with asyncio.timeout(within_seconds):
        while not enough(answer := await ask()):
            await asyncio.sleep(0.02)
    return answer
