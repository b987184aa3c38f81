"""Work that can't be ended in time: who waits for it goes on without it, and few of it may be left.

A thread that waits for a disk can't be stopped, so its caller is held as well, whatever its timeout
(``threads.files``). Such work is left to itself, cancelled: nothing follows in it once its thread ends, and until then
none of its kind begins beside it.
"""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final

import structlog

log = structlog.stdlib.get_logger("hanging")

_MOST: Final = 2
"""Each may hold a thread, a connection to PostgreSQL and a row."""

_GRACE_SECONDS: Final = 1.0
"""Most work that is cancelled ends at once; it is not to go on beside what its caller does next."""


class Hanging:
    """The work that was left to itself, by name.

    Args:
        most: So much of it is too much to begin anything else.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._works: dict[str, asyncio.Task[None]] = {}

    def __contains__(self, name: str) -> bool:
        """Whether work of this name still hangs."""
        return name in self._works

    @property
    def is_too_much(self) -> bool:
        """Whether so much hangs that there is no use in beginning more."""
        return len(self._works) >= self._most

    async def within(self, seconds: float, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Wait for the work for so long, and no longer, also when it does not heed its cancellation.

        Args:
            seconds: How long.
            name: Of the work; none that hangs has it.
            work: To be done.

        Raises:
            TimeoutError: It is not over. It may hang on.
        """
        task = asyncio.create_task(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=seconds)
        finally:
            if not task.done():
                await self._leave(name, task)
        if not done:
            raise TimeoutError
        task.result()

    async def _leave(self, name: str, task: asyncio.Task[None]) -> None:
        task.cancel()
        self._works[name] = task
        task.add_done_callback(partial(self._over, name))
        await asyncio.wait({task}, timeout=_GRACE_SECONDS)

    def _over(self, name: str, task: asyncio.Task[None]) -> None:
        del self._works[name]
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            log.warning("late_work_failed", name=name, reason=str(failure))
