"""Work on files, seen from an event loop: off the loop, in threads that nothing else needs, never left behind."""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from contracts.errors import DiskHangs

_THREADS: Final = ThreadPoolExecutor(max_workers=32, thread_name_prefix="files")
"""For file work alone: where a disk hangs, all of these may wait for it, and nothing else does."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

GoOn = Callable[[], None]
"""Asked before each step of work that its caller may give up; raises ``GivenUp`` where it has."""


class GivenUp(Exception):
    """Nobody waits for the work any more, so nothing more of it may be done."""


async def off_loop(work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """Run blocking work in one of the threads for files.

    A thread can't be stopped, so a caller that is cancelled is held until the work has ended: what it does next, such
    as removing files, never runs beside it. No timeout ends that wait. Who only asks takes ``threads.questions``, and
    who must not wait leaves the caller to itself (``runs.hanging``).
    """
    return await _held(partial(work, *args, **kwargs))


async def off_loop_in_steps(work: Callable[[GoOn], Result]) -> Result:
    """The same for work that is to stop, once its caller is cancelled, before its next step.

    What gives the caller the right to do it, such as a row that is held, may be over when a disk that hung is back.

    Args:
        work: Asks what it is given before each step.
    """
    given_up = threading.Event()

    def go_on() -> None:
        if given_up.is_set():
            raise GivenUp

    return await _held(partial(work, go_on), given_up)


@contextlib.asynccontextmanager
async def removed_afterwards(*paths: Path) -> AsyncIterator[None]:
    """Remove these files however the block is left, unless their disk hangs: the next attempt or a sweep does then."""
    does_answer = True
    try:
        yield
    except DiskHangs:
        does_answer = False
        raise
    finally:
        if does_answer:
            await off_loop(_remove, paths)


def _remove(paths: tuple[Path, ...]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


async def _held(work: Callable[[], Result], given_up: threading.Event | None = None) -> Result:
    in_context = partial(contextvars.copy_context().run, work)
    running = asyncio.get_running_loop().run_in_executor(_THREADS, in_context)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        if given_up is not None:
            given_up.set()
        while not running.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({running})
        if not running.cancelled():
            running.exception()  # looked at, or asyncio complains that nobody did
        raise
