"""The highest value that was told of each of many things, for as long as somebody may ask again."""

from collections import OrderedDict
from typing import Final

_MOST_KEPT: Final = 10_000


class HighWater:
    """Remembers so many things; the one that was asked for the longest ago goes first."""

    def __init__(self, most_kept: int = _MOST_KEPT) -> None:
        """Know of nothing."""
        self._most_kept = most_kept
        self._highest: OrderedDict[str, float] = OrderedDict()

    def raised(self, name: str, value: float) -> float:
        """The value, or what was told of that name before if that was higher."""
        highest = max(value, self._highest.pop(name, value))
        self._highest[name] = highest
        if len(self._highest) > self._most_kept:
            self._highest.popitem(last=False)
        return highest
