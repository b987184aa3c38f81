"""Questions to what the service needs, asked of it at most once in some seconds however many want to know.

One that is not answered stays the only one: a disk that hangs is not asked by one more thread each time.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from contracts.errors import VideoError
from runs.records import TemporalRefuses, TemporalUnavailable

OK: Final = "ok"
PING_SECONDS: Final = 2.0
"""Shorter than the patience of those who ask, so that they hear what is away."""
_PATIENCE_SECONDS: Final = PING_SECONDS + 0.5
_KNOWN_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Answer:
    """What became of a question.

    Attributes:
        said: ``ok``, or a sentence that says what is wrong.
        is_refusal: Whether somebody has to mend it; else it may pass.
    """

    said: str
    is_refusal: bool = False

    @property
    def is_ok(self) -> bool:
        """Whether all is well."""
        return self.said == OK


class Question:
    """One question, and the last answer.

    Args:
        ask: Raises ``VideoError`` or ``TemporalUnavailable``, with a sentence, unless all is well.
        patience_seconds: How long an answer is waited for.
        known_seconds: How long it holds.
        waited_for: Which place does not answer, where one disk of several does not; None where that is not known.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[object]],
        *,
        patience_seconds: float = _PATIENCE_SECONDS,
        known_seconds: float = _KNOWN_SECONDS,
        waited_for: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._ask = ask
        self._patience_seconds = patience_seconds
        self._known_seconds = known_seconds
        self._waited_for = waited_for
        self._asking: asyncio.Task[Answer] | None = None
        self._answered = 0.0

    async def answer(self) -> Answer:
        """The last one, where it still holds; else a new one, as far as it comes in time."""
        if self._asking is None or (self._asking.done() and time.monotonic() - self._answered >= self._known_seconds):
            self._asking = asyncio.create_task(self._look())
        await asyncio.wait({self._asking}, timeout=self._patience_seconds)
        return self._asking.result() if self._asking.done() else Answer(self._silence())

    def _silence(self) -> str:
        place = self._waited_for()
        return f"{place} does not answer. Look whether its disk hangs." if place else "No answer in time."

    async def _look(self) -> Answer:
        try:
            await self._ask()
        except (VideoError, TemporalUnavailable) as error:
            return Answer(str(error), isinstance(error, TemporalRefuses))
        finally:
            self._answered = time.monotonic()
        return Answer(OK)


class Readiness:
    """What an upload and its run need.

    Args:
        database: Where the rows are.
        storage: Where the files are.
        runs: Where the work is.
    """

    def __init__(self, database: Question, storage: Question, runs: Question) -> None:
        self._questions = {"database": database, "storage": storage, "temporal": runs}

    async def answers(self) -> Mapping[str, Answer]:
        """By what was asked."""
        answers = await asyncio.gather(*(question.answer() for question in self._questions.values()))
        return dict(zip(self._questions, answers, strict=True))
