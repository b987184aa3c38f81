"""Figures of a soak that still runs: a line each minute, and a file that is whole whenever the soak is ended."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, Final

from contracts.errors import DatabaseUnavailable
from tests.soak.plan import Plan

_EVERY_SECONDS: Final = 60.0
_AGAIN_SECONDS: Final = 2.0

Look = Callable[[], Awaitable[Counter[str]]]


class Results:
    """Tells what has come of it so far.

    Args:
        plan: What is done, and where it is written.
        look: Counts what is known now.
        harm: Counted by whoever harms.
    """

    def __init__(self, plan: Plan, look: Look, harm: Counter[str]) -> None:
        self._plan = plan
        self._look = look
        self._harm = harm
        self._began = time.monotonic()
        self._minutes: list[dict[str, int]] = []

    async def tell_each_minute(self) -> None:
        """Until it is cancelled. A database that is away is asked again."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            counted = await self._counted()
            self._minutes.append({"second": self._seconds, **counted})
            line = ", ".join(f"{name} {number}" for name, number in counted.items() if number)
            print(f"{self._seconds:6} s  {line}", flush=True)  # noqa: T201
            await self.write(counted, ended=False)

    async def write(self, counted: Counter[str], *, ended: bool) -> None:
        """Write the file anew: it is never half of one.

        Args:
            counted: What is known.
            ended: Whether it is the last word.
        """
        if self._plan.results is None:
            return
        plan = {name: value for name, value in asdict(self._plan).items() if name not in {"results", "logs"}}
        known: dict[str, Any] = {
            "plan": plan,
            "ended": ended,
            "seconds": self._seconds,
            "counted": counted,
            "harm": dict(sorted(self._harm.items())),
            "minutes": self._minutes,
        }
        await asyncio.to_thread(self._replace, json.dumps(known, indent=2))

    @property
    def _seconds(self) -> int:
        return round(time.monotonic() - self._began)

    async def _counted(self) -> Counter[str]:
        while True:
            try:
                return await self._look()
            except DatabaseUnavailable:
                await asyncio.sleep(_AGAIN_SECONDS)

    def _replace(self, text: str) -> None:
        assert self._plan.results is not None
        part = self._plan.results.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        part.replace(self._plan.results)
