"""What is sent, and what is harmed, as a seed decides it beforehand: nothing that happens meanwhile changes it.

Each upload has a generator of its own, made of the seed and its number, and so has the harm: whoever draws sooner or
later takes no number from another.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from typing import Final

from tests.fixtures.clips import Clip
from tests.soak.making_anew import Making
from tests.soak.plan import BAD, COPIED, ENCODED, KINDS, SERVERS, Plan

_CANCELLED: Final = 0.1
_DELETED: Final = 0.1
"""Which share of what is not made anew."""

_KILLED: Final = 0.8
_SERVERS_KILLED: Final = 0.15
_STOPPED_SECONDS: Final = (0.5, 4.0)
_PAUSES: Final = (0.3, 1.7)
"""Between two harms, as parts of the mean."""

_TURNS: Final = (Making.FINISHED, Making.CANCELLED, Making.FINISHED, Making.DELETED)


class Fate(StrEnum):
    """What is asked for an upload that was acknowledged."""

    LEFT = "left as it is"
    CANCELLED = "cancelled"
    DELETED = "deleted"
    DELETED_ONCE_ENDED = "deleted once it has ended"


class Deed(StrEnum):
    """What is done to a process."""

    SIGKILL = "SIGKILL"
    SIGTERM = "SIGTERM"
    SIGSTOP = "SIGSTOP"


@dataclass(frozen=True)
class PlannedUpload:
    """An upload that is to be sent.

    Attributes:
        number: Which one, from 0 on.
        door: How it comes.
        clip: Which file.
        fate: What is asked for it.
        making: What is to become of it when it is made anew; None where that is not asked.
    """

    number: int
    door: str
    clip: Clip
    fate: Fate
    making: Making | None


@dataclass(frozen=True)
class PlannedHarm:
    """What is done to a process.

    Attributes:
        pause_seconds: How long after what comes before it.
        deed: What.
        name: To which process.
        seconds: How long it is stopped; 0 for what ends it.
    """

    pause_seconds: float
    deed: Deed
    name: str
    seconds: float = 0.0


def generator(plan: Plan, of_what: str) -> random.Random:
    """That of one thing alone; the same for the same seed."""
    return random.Random(f"{plan.seed} {of_what}")  # noqa: S311 # a game, no secret


def uploads(plan: Plan) -> Iterator[PlannedUpload]:
    """All that are to be sent, in this order. The first good one is made anew, so that there is one where few are."""
    turns, due = cycle(_TURNS), 1.0
    for number in range(plan.uploads):
        dice = generator(plan, f"upload {number}")
        door = plan.doors[number % len(plan.doors)]
        clip, fate, making = _clip(plan, dice), _fate(dice), None
        if clip not in BAD and plan.made_anew > 0:
            if due >= 1:
                making, fate = next(turns), Fate.LEFT
            due += plan.made_anew - (making is not None)
        yield PlannedUpload(number, door, clip, fate, making)


def least_harm(plan: Plan) -> tuple[PlannedHarm, ...]:
    """What every soak does, whatever else chance has it do: each kind of process is killed, and one is stopped."""
    dice = generator(plan, "least harm")
    names = [dice.choice(plan.processes(kind)) for kind in KINDS]
    stopped = dice.choice([name for kind in KINDS for name in plan.processes(kind)])
    deeds = [(Deed.SIGKILL, name, 0.0) for name in names] + [(Deed.SIGSTOP, stopped, dice.uniform(*_STOPPED_SECONDS))]
    dice.shuffle(deeds)
    return tuple(PlannedHarm(_pause(plan, dice), *deed) for deed in deeds)


def harm_by_chance(plan: Plan) -> Iterator[PlannedHarm]:
    """What comes after that, without end: mostly SIGKILL or SIGTERM to an api or a worker, now and then a server."""
    dice = generator(plan, "harm")
    servers = [name for kind in SERVERS for name in plan.processes(kind)]
    others = [name for kind in KINDS if kind not in SERVERS for name in plan.processes(kind)]
    while True:
        pause = _pause(plan, dice)
        if dice.random() >= _KILLED:
            yield PlannedHarm(pause, Deed.SIGSTOP, dice.choice(servers + others), dice.uniform(*_STOPPED_SECONDS))
        elif dice.random() < _SERVERS_KILLED:
            yield PlannedHarm(pause, Deed.SIGKILL, dice.choice(servers))
        else:
            deed = dice.choice((Deed.SIGKILL, Deed.SIGKILL, Deed.SIGTERM))
            yield PlannedHarm(pause, deed, dice.choice(others))


def _pause(plan: Plan, dice: random.Random) -> float:
    return dice.uniform(*_PAUSES) * 60 / plan.harms_a_minute


def _clip(plan: Plan, dice: random.Random) -> Clip:
    if dice.random() >= plan.good:
        return dice.choice(sorted(BAD))
    return dice.choice(ENCODED if dice.random() < plan.encoded else COPIED)


def _fate(dice: random.Random) -> Fate:
    drawn = dice.random()
    if drawn < _CANCELLED:
        return Fate.CANCELLED
    if drawn < _CANCELLED + _DELETED / 2:
        return Fate.DELETED_ONCE_ENDED
    return Fate.DELETED if drawn < _CANCELLED + _DELETED else Fate.LEFT
