"""A case of the benchmark, and what it gathers while it runs."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from bench.aims import CELERY, NAIVE, RUSHES
from bench.client import Client
from bench.clips import Clip, Kind
from bench.errors import NotMeasured
from bench.ground import Ground
from bench.result import CaseResult, Figure, Finding, Skipped
from bench.systems.baselines import celery, naive
from bench.systems.model import System
from bench.systems.rushes import rushes_up

Start = Callable[[Ground], AbstractAsyncContextManager[System]]

SYSTEMS: Final[Mapping[str, Start]] = MappingProxyType({RUSHES: rushes_up, CELERY: celery, NAIVE: naive})
"""How each is started, in the order in which they are measured."""

TINY: Final = Clip("tiny", Kind.PLAYABLE, 1.2, 320, 240, 0.5)
"""What is sent first, to wake a system up; also the clip of a case of its own.

The old system fails at clips of a second or less: its thumbnail is the frame at 00:00:01.
"""

_POLL_SECONDS: Final = 0.02
_EVERYTHING: Final = "all"


@dataclass
class Gathered:
    """What a case has found so far; it is filled as the case runs, so that a failure keeps what was there before.

    Attributes:
        conditions: How it was measured, in sentences.
        figures: What was measured.
        findings: What else was found.
        skipped: What was not measured.
    """

    conditions: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def add(self, system: str, name: str, unit: str, values: Sequence[float]) -> None:
        """Add a figure; one without a value is left out."""
        if values:
            self.figures.append(Figure(system, name, unit, tuple(values)))


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        letter: By which it is chosen.
        title: What it is about, in a line.
        run: Measures it.
    """

    letter: str
    title: str
    run: Callable[[Ground, Gathered], Awaitable[None]]

    async def result(self, ground: Ground) -> CaseResult:
        """Measure it; what can't be measured is a part of the result."""
        gathered = Gathered()
        began = time.monotonic()
        try:
            await self.run(ground, gathered)
        except NotMeasured as error:
            gathered.skipped.append(Skipped(_EVERYTHING, str(error)))
        return CaseResult(
            letter=self.letter,
            title=self.title,
            conditions=tuple(gathered.conditions),
            figures=tuple(gathered.figures),
            findings=tuple(gathered.findings),
            skipped=tuple(gathered.skipped),
            seconds=time.monotonic() - began,
        )


Measure = Callable[[System, Client], Awaitable[None]]


async def with_each(ground: Ground, gathered: Gathered, measure: Measure, *names: str) -> None:
    """Start each system alone, wake it up with one tiny clip, measure, and stop it before the next one starts."""
    tiny = await ground.clips.drawn(TINY)
    for name in names or SYSTEMS:
        ground.say(f"  {name}")
        try:
            async with SYSTEMS[name](ground) as system, Client(system.api) as client:
                await client.pass_through(tiny, _POLL_SECONDS)
                await measure(system, client)
        except NotMeasured as error:
            gathered.skipped.append(Skipped(name, str(error)))
            ground.say(f"  {name} is not measured: {error}")
