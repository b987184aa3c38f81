"""How many frames a second an encoded picture has. Pure."""

from math import ceil
from typing import Final

from media.model import VideoStream

_SLOW_RATES: Final = (1.0, 2.0, 5.0, 10.0, 12.0, 15.0)
_RATES: Final = (*_SLOW_RATES, 24000 / 1001, 24.0, 25.0, 30000 / 1001, 30.0, 50.0, 60000 / 1001, 60.0)
_DEFAULT: Final = 30.0
_LEAST: Final = 1.0
"""Keyframes need frames: a picture that stands for an hour could not be sought in."""
_TOLERANCE: Final = 0.02
_MOST_REPEATS: Final = 50.0
"""So many frames of the output for one of the source, at most. Repeated ones cost little, but a grid that is far from
the average tells of a few fast frames: repeating all others onto it would make a million frames of sixty."""
_JITTER: Final = 0.95
"""Times that were rounded put a frame too many into some second."""


def output_frame_rate(video: VideoStream, at_most: float) -> float:
    """The source's own rate. A rate that varies becomes constant on its grid: repeated pictures cost next to nothing.

    The grid is of no use where it is finer than any display (a recorder's milliseconds), where it counts the half
    pictures of interlaced video, where some second has more frames than it, or where it is far from the average. Then
    the second with most frames counts.
    """
    survey = video.survey
    average = video.frame_rate or (survey.rate if survey is not None else None) or 0.0
    busiest = max(average, survey.most_a_second * _JITTER) if survey is not None else average
    affordable = average * _MOST_REPEATS
    grid = video.base_frame_rate
    if grid and average and _is_of_use(grid, average, busiest) and grid <= min(at_most, affordable):
        return max(grid, _LEAST)
    return _next_above(min(busiest, affordable) or grid or _DEFAULT, at_most)


def _is_of_use(grid: float, average: float, busiest: float) -> bool:
    counts_halves = abs(grid / average - 2) < _TOLERANCE and busiest < grid * _JITTER
    return not counts_halves and grid >= busiest * (1 - _TOLERANCE)


def _next_above(wanted: float, at_most: float) -> float:
    """The common rate at or above what is wanted; a rate over the limit is halved or divided until it fits."""
    if wanted > at_most * 1.0005:
        wanted /= ceil(wanted / at_most - 0.0005)
    return next((rate for rate in _RATES if wanted * 0.9995 <= rate <= at_most * 1.0005), at_most)
