"""How long an encode will still take, told from what was encoded lately."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_AFTER_SECONDS: Final = 5.0
_AFTER_FRACTION: Final = 0.02
"""Before that a rate says more of how an encoder starts than of how it goes on."""

_LEAST_SECONDS: Final = 20.0
_LATELY: Final = 1 / 2
"""So much of the time so far tells how fast it goes: what else the machines did before is over."""

_NOT_YET_WHOLE: Final = 0.98
"""Of a chunk that is still worked on: its last frames are put out, and all are read once more."""


@dataclass(frozen=True)
class Stretch:
    """The work on one chunk, by its newest attempt.

    Attributes:
        began_at: When.
        seconds: How long it took, or until now.
        fraction: How much of the chunk was made in that time; 1 only where that is over.
    """

    began_at: datetime
    seconds: float
    fraction: float

    @property
    def ended_at(self) -> datetime:
        """When; now, while it runs."""
        return self.began_at + timedelta(seconds=self.seconds)


def made_by_now(fraction: float, told_seconds: float, seconds: float) -> float:
    """How much of a chunk that is worked on is made, if it went on as until it was told.

    Args:
        fraction: How much it was when it was told.
        told_seconds: How long after the beginning that was; 0 where nothing was told yet.
        seconds: How long ago it began.
    """
    went_on = fraction * seconds / told_seconds if told_seconds > 0 else fraction
    return min(went_on, _NOT_YET_WHOLE)


def time_left_seconds(stretches: Sequence[Stretch], count: int, now: datetime) -> float | None:
    """How long the chunks that are left will take, at the rate of late.

    That is measured by the clock rather than taken from what encoders say of themselves, so it counts what they wait
    for. Chunks are made side by side, and the last of them with fewer beside it: what is left is laid out as it will
    be handed out. What comes after the chunks takes moments.

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
    since = now - timedelta(seconds=lately)
    made = sum(_made_since(since, stretch) for stretch in stretches)
    if made <= 0:
        return None
    worked = sum(_seconds_since(since, stretch) for stretch in stretches)
    whole = [stretch.seconds for stretch in stretches if stretch.fraction == 1 and stretch.ended_at >= since]
    of_a_chunk = sum(whole) / len(whole) if whole else worked / made
    # An encoder is slow to begin, so those that are whole tell better how long one takes.
    running = [(1 - one.fraction) * max(of_a_chunk, one.seconds) for one in stretches if one.fraction < 1]
    free = [0.0] * (round(worked / lately) - len(running))  # between two chunks a place is free for a moment
    return round(_until_all_are_made(running + free, count - len(stretches), of_a_chunk), 1)


def _until_all_are_made(places: list[float], unbegun: int, seconds_of_a_chunk: float) -> float:
    """How long it takes until those that run are made, and each that has not begun in the place of one that is.

    Args:
        places: When each will be free, in seconds from now.
        unbegun: How many chunks wait for one.
        seconds_of_a_chunk: How long each of them takes.
    """
    heapq.heapify(places)
    for _ in range(unbegun if places else 0):
        heapq.heapreplace(places, places[0] + seconds_of_a_chunk)
    return max(places, default=unbegun * seconds_of_a_chunk)


def _seconds_since(since: datetime, stretch: Stretch) -> float:
    """How long it was worked on since then."""
    return max(0.0, stretch.seconds - max(0.0, (since - stretch.began_at).total_seconds()))


def _made_since(since: datetime, stretch: Stretch) -> float:
    """How much of the chunk was made since then, if it was made evenly."""
    before = (since - stretch.began_at).total_seconds()
    if before <= 0:
        return stretch.fraction
    if before >= stretch.seconds:
        return 0.0
    return stretch.fraction * (1 - before / stretch.seconds)
