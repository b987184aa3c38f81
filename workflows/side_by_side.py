"""How steps run together: side by side, and to the end whatever happens."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from temporalio.exceptions import FailureError
from temporalio.workflow import ActivityHandle


async def side_by_side(*handles: ActivityHandle[object]) -> None:
    """Wait until all have succeeded. The first failure, or a cancel, stops the others and waits for their end.

    Waiting matters: what still runs may still write.

    Raises:
        ActivityError: The first failure.
        asyncio.CancelledError: The workflow was cancelled.
    """
    try:
        await asyncio.gather(*handles)
    except (asyncio.CancelledError, FailureError):
        for handle in handles:
            handle.cancel()
        await asyncio.gather(*handles, return_exceptions=True)
        raise


async def to_the_end(ending: Coroutine[Any, Any, None]) -> None:
    """Run what has to be done at the end of a run, also when the run is cancelled while it is under way.

    A run is cancelled once at the most, so the second wait is not interrupted. The cancel comes too late to change the
    run's fate and is dropped.
    """
    task = asyncio.create_task(ending)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
