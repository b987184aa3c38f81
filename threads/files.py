"""Work on files, seen from an event loop: off the loop, in threads that nothing else needs, never left behind."""

import asyncio
import contextlib
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

_THREADS: Final = ThreadPoolExecutor(max_workers=32, thread_name_prefix="files")
"""For file work alone: where a disk hangs, all of these may wait for it, and nothing else does."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


async def off_loop(work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """Run blocking work in one of the threads for files.

    A thread can't be stopped, so a caller that is cancelled is held until the work has ended: what it does next, such
    as removing files, never runs beside it. No timeout ends that wait. Who only asks takes ``threads.questions``, and
    who must not wait leaves the caller to itself (``runs.hanging``).
    """
    in_context = partial(contextvars.copy_context().run, work, *args, **kwargs)
    running = asyncio.get_running_loop().run_in_executor(_THREADS, in_context)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({running})
        if not running.cancelled():
            running.exception()  # looked at, or asyncio complains that nobody did
        raise
