"""What is said of several measurements of one thing."""

import statistics
from collections.abc import Sequence
from enum import StrEnum


class Statistic(StrEnum):
    """Which number stands for all of them."""

    MEDIAN = "median"
    P95 = "p95"
    MOST = "most"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` (0 to 1) of them do not exceed, interpolated between the two that are nearest.

    Raises:
        ValueError: There is no value, or no such share.
    """
    if not values or not 0 <= share <= 1:
        raise ValueError(f"no percentile {share} of {len(values)} values")
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def summary(values: Sequence[float], statistic: Statistic) -> float:
    """The one number.

    Raises:
        ValueError: There is no value.
    """
    match statistic:
        case Statistic.MEDIAN:
            return statistics.median(values) if values else percentile(values, 0.5)
        case Statistic.P95:
            return percentile(values, 0.95)
        case Statistic.MOST:
            return percentile(values, 1)
