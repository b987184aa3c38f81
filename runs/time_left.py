"""How long an encode will still take, told from what was encoded lately."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_AFTER_SECONDS: Final = 5.0
_AFTER_FRACTION: Final = 0.02
"""Before that a rate says more of how an encoder starts than of how it goes on."""

_LEAST_SECONDS: Final = 20.0
_LATELY: Final = 1 / 3
"""So much of the time so far tells how fast it goes: what else the machines did before is over."""


@dataclass(frozen=True)
class Stretch:
    """The work on one chunk, by its newest attempt.

    Attributes:
        began_at: When.
        seconds: How long it took, or until now.
        fraction: How much of the chunk was made in that time.
    """

    began_at: datetime
    seconds: float
    fraction: float


def time_left_seconds(stretches: Sequence[Stretch], count: int, now: datetime) -> float | None:
    """How long the chunks that are left will take, at the rate of late.

    That is measured by the clock rather than taken from what encoders say of themselves, so it counts what they wait
    for. What comes after the chunks takes moments.

    Args:
        stretches: The work so far.
        count: How many chunks there are.
        now: The time.

    Returns:
        Seconds, or None while nobody can tell.
    """
    if not stretches:
        return None
    so_far = (now - min(stretch.began_at for stretch in stretches)).total_seconds()
    done = sum(stretch.fraction for stretch in stretches) / count
    if so_far < _AFTER_SECONDS or done < _AFTER_FRACTION:
        return None
    lately = min(so_far, max(_LEAST_SECONDS, _LATELY * so_far))
    rate = sum(_made_since(now - timedelta(seconds=lately), stretch) for stretch in stretches) / count / lately
    if rate <= 0:
        return None
    return round(max(0.0, 1 - done) / rate, 1)


def _made_since(since: datetime, stretch: Stretch) -> float:
    """How much of the chunk was made since then, if it was made evenly."""
    before = (since - stretch.began_at).total_seconds()
    if before <= 0:
        return stretch.fraction
    if before >= stretch.seconds:
        return 0.0
    return stretch.fraction * (1 - before / stretch.seconds)
