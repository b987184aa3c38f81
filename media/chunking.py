"""Where a picture is cut into the chunks that are encoded by themselves. Pure.

Every chunk begins on a grid of whole GOPs of the output, so that chunks can be joined as they are, and later be
segments. Which points of the grid are taken depends on the source: a chunk has to decode from the keyframe before it,
and many encoders set one only every eight or ten seconds.
"""

from bisect import bisect_right
from collections.abc import Sequence
from math import ceil, inf
from typing import Final

MOST_CHUNKS: Final = 120
"""Of a long film 16 are encoded at once, so more of them would not be ready sooner; but each costs six events of
Temporal's history, and reads seconds of the source that its neighbours read, too."""

_LEAST_CHUNK: Final = 2 / 3
_MOST_CHUNK: Final = 5 / 3
"""How far a chunk's length may be from the wanted one, as parts of it."""
_LEAST_REST: Final = 0.25
"""What remains at the end goes to the chunk before it, if it is no longer than this part of a chunk."""
_WORKERS: Final = 4
_MOST_TURNS: Final = 4
"""A few chunks are as many as four workers have turns for, so that they end together: ``docs/benchmarks.md``, (f)."""
_PRICE_OF_ENDING_TOGETHER: Final = 0.2
"""So much of the length may be decoded in vain for it."""
_PRICE_OF_ANOTHER_LENGTH: Final = 0.5
"""A second that a chunk is off its wanted length counts as much as so many seconds of decoding in vain."""


def chunk_starts(
    frames: int,
    gop_frames: int,
    frame_rate: float,
    *,
    wanted_seconds: float,
    keyframes: Sequence[float],
    margin_seconds: float,
) -> tuple[int, ...]:
    """First frame of each chunk.

    Args:
        frames: Length of the picture.
        gop_frames: Length of a GOP of the output.
        frame_rate: Of the output.
        wanted_seconds: Length of a chunk, where nothing speaks for another one.
        keyframes: When the source has keyframes, in seconds on the output's clock, ascending; empty where all places
            are as good.
        margin_seconds: How long before a chunk the keyframe has to lie from which it decodes.

    Returns:
        Whole multiples of ``gop_frames``, ascending from 0.
    """
    fewest_gops = ceil(frames / gop_frames / MOST_CHUNKS)
    wanted = max(1, round(wanted_seconds * frame_rate / gop_frames), fewest_gops)
    least = max(1, ceil(wanted * _LEAST_CHUNK), fewest_gops)
    gop_seconds = gop_frames / frame_rate
    points = ceil(frames / gop_frames)
    in_vain = [_in_vain(point * gop_seconds, keyframes, margin_seconds) for point in range(points)]

    starts = _cheapest(frames / gop_frames, wanted, least, in_vain, _PRICE_OF_ANOTHER_LENGTH * gop_seconds)
    together = _ending_together(points, wanted, least)
    dearer = sum(in_vain[start] for start in together) - sum(in_vain[start] for start in starts)
    if together and dearer <= _PRICE_OF_ENDING_TOGETHER * points * gop_seconds:
        starts = together
    return tuple(start * gop_frames for start in starts)


def _cheapest(gops: float, wanted: int, least: int, in_vain: Sequence[float], off_price: float) -> list[int]:
    """The cheapest chunks of about the wanted length; all in GOPs, and ``in_vain`` for each point of the grid."""
    most = max(wanted, int(wanted * _MOST_CHUNK))

    # The cheapest way to begin a chunk at each point of the grid, from the one before it.
    points = len(in_vain)
    cheapest, before = [0.0] + [inf] * (points - 1), [0] * points
    for point in range(least, points):
        for begin in range(max(0, point - most), point - least + 1):
            price = cheapest[begin] + in_vain[point] + off_price * abs(point - begin - wanted)
            if price < cheapest[point]:
                cheapest[point], before[point] = price, begin

    def price_of_all(last: int) -> float:
        rest = gops - last
        if rest > max(most, (1 + _LEAST_REST) * wanted) or (rest <= _LEAST_REST * wanted and last > 0):
            return inf
        return cheapest[last] + off_price * max(0, ceil(rest) - wanted)

    starts = [min(range(points), key=price_of_all)]
    while starts[0] > 0:
        starts.insert(0, before[starts[0]])
    return starts


def _ending_together(points: int, wanted: int, least: int) -> list[int]:
    """Where a few chunks begin, the longer ones first; empty where there are too few, too many, or they get short."""
    count = ceil(points / wanted)
    turns = ceil(count / _WORKERS)
    shorter, longer_ones = divmod(points, turns * _WORKERS)
    if not 1 < turns <= _MOST_TURNS or shorter < least:
        return []
    return [number * shorter + min(number, longer_ones) for number in range(turns * _WORKERS)]


def _in_vain(begin: float, keyframes: Sequence[float], margin_seconds: float) -> float:
    """Seconds of the source that a chunk decodes before its own first frame."""
    before = bisect_right(keyframes, begin - margin_seconds)
    return begin - keyframes[before - 1] if before else 0.0
