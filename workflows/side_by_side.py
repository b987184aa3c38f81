"""Activities that run at the same time and stand or fall together."""

import asyncio

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
