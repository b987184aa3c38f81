"""What Ctrl-C, SIGTERM and SIGHUP mean to a command that has something to clean up."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Whether a signal came, and which."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that a signal ended."""
        return 128 + (self.received or signal.SIGTERM)


@contextmanager
def interruptible(hurry: Callable[[], None], announce: Callable[[str], None]) -> Iterator[Interruption]:
    """Turn the first signal into a cancellation of the current task, and each further one into a call of ``hurry``.

    What happens is announced. A SIGHUP that is ignored, as under ``nohup``, stays ignored.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    interruption = Interruption()

    def handle(number: signal.Signals) -> None:
        if interruption.received is None:
            interruption.received = number
            announce("Stopping. Once more (Ctrl-C) stops at once.")
            if task is not None:
                task.cancel()
        else:
            hurry()

    handled = [one for one in _SIGNALS if one != signal.SIGHUP or signal.getsignal(one) is not signal.SIG_IGN]
    for number in handled:
        loop.add_signal_handler(number, handle, number)
    try:
        yield interruption
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


async def to_the_end(cleaning: Coroutine[object, object, None]) -> None:
    """Run something that must not be left half-way; a cancellation meanwhile is raised when it is done."""
    task = asyncio.ensure_future(cleaning)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError
