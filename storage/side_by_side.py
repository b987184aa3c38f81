"""Several pieces of work on a network, a few at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

Result = TypeVar("Result")

_AT_ONCE: Final = 4


async def side_by_side(works: Sequence[Callable[[], Awaitable[Result]]], at_once: int = _AT_ONCE) -> list[Result]:
    """Do all; the first failure ends the others. Raises that ``StorageFailed``."""
    turn = asyncio.Semaphore(at_once)

    async def do(work: Callable[[], Awaitable[Result]]) -> Result:
        async with turn:
            return await work()

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(do(work)) for work in works]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures.exceptions[0].__cause__
    return [task.result() for task in tasks]
