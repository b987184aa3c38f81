"""Wait on conditions, never on the clock."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

T = TypeVar("T")

_SHORTEST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.25


async def eventually(ask: Callable[[], Awaitable[T]], enough: Callable[[T], bool], *, within_seconds: float = 20) -> T:
    """Ask until the answer is enough, and return it.

    The longer it lasts the more rarely it asks: a question costs processor time that what is waited for needs as well.

    Raises:
        TimeoutError: It was not enough in time; it has the last answer.
    """
    clock = asyncio.get_running_loop().time
    begun = clock()
    last: object = "nothing at all"
    try:
        async with asyncio.timeout(within_seconds):
            while not enough(answer := await ask()):
                last = answer
                await asyncio.sleep(min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, (clock() - begun) / 10)))
    except TimeoutError as error:
        raise TimeoutError(f"for {within_seconds} s it was not enough; the last answer was {last!r}") from error
    return answer
