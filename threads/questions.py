"""Questions to a place that may hang: who asks may go away, and those that stay unanswered are few."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import Any, Final, ParamSpec, TypeVar

import structlog

from contracts.errors import StorageFailed

log = structlog.stdlib.get_logger("questions")

_AT_ONCE: Final = 8
_MOST_LEFT: Final = 4
"""Unanswered questions that nobody waits for any more, and after which none is asked."""

_PATIENCE_SECONDS: Final = 5.0
"""Where every thread waits for longer than this, nobody else gets a turn: to wait for one would be in vain."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Questions:
    """Asks one place, in threads of its own: what hangs there takes none that others need.

    A question changes nothing, or nothing that matters, so its thread is left behind by a caller that is cancelled, as
    by a timeout. It ends when the place answers. That it does not is told in the log once, and when it does again.

    Args:
        place: What is asked, for people.
        at_once: How many questions may be on their way.
        most_left: How many may have been left behind.
        patience_seconds: How long all that are on their way may wait before no other is taken, and one before that is
            told.
    """

    def __init__(
        self,
        place: str,
        *,
        at_once: int = _AT_ONCE,
        most_left: int = _MOST_LEFT,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        self._place = place
        self._at_once = at_once
        self._most_left = most_left
        self._patience_seconds = patience_seconds
        self._threads = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="questions")
        self._left: list[Future[Any]] = []
        self._began: dict[object, float] = {}  # by what is on its way; changed by the threads
        self._overdue: dict[Future[Any], float] = {}  # since when; those that were told of
        self._telling = threading.Lock()

    async def ask(self, look: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """What ``look`` returns or raises.

        Raises:
            StorageFailed: So many were left behind, or wait for so long, that there is no use in asking.
        """
        self._left = [asked for asked in self._left if not asked.done()]
        began = list(self._began.values())
        if len(self._left) >= self._most_left or self._is_in_vain(began):
            waiting = max(len(self._left), len(began))
            raise StorageFailed(
                f"{self._place} does not answer: {waiting} questions wait for it. Look whether its disk hangs."
            )
        in_context = partial(contextvars.copy_context().run, look, *args, **kwargs)
        asked = self._threads.submit(self._on_its_way, in_context)
        overdue = asyncio.get_running_loop().call_later(self._patience_seconds, self._is_overdue, asked)
        try:
            return await asyncio.wrap_future(asked)
        except asyncio.CancelledError:
            if not asked.cancel():  # else it had not begun
                self._left.append(asked)
            raise
        finally:
            if asked.done():
                overdue.cancel()

    def _on_its_way(self, look: Callable[[], Result]) -> Result:
        question = object()
        self._began[question] = monotonic()
        try:
            return look()
        finally:
            del self._began[question]

    def _is_overdue(self, asked: Future[Any]) -> None:
        if asked.done():
            return
        with self._telling:
            is_first = not self._overdue
            self._overdue[asked] = monotonic() - self._patience_seconds
        if is_first:
            log.warning("place does not answer", place=self._place, reason="Look whether its disk hangs.")
        asked.add_done_callback(self._is_answered)

    def _is_answered(self, asked: Future[Any]) -> None:
        """In whichever thread it was."""
        with self._telling:
            since = self._overdue.pop(asked)
            is_last = not self._overdue
        if is_last:
            log.warning("place answers again", place=self._place, after_seconds=round(monotonic() - since))

    def _is_in_vain(self, began: list[float]) -> bool:
        return len(began) >= self._at_once and monotonic() - max(began) > self._patience_seconds
