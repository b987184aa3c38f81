"""Events that nobody resumes by any more go, a few at a time."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from database.events import Events

_BATCH: Final = 1000
_MOST_BATCHES: Final = 50
"""In one round, so that a table that was never tidied does not keep the database busy."""


@dataclass(frozen=True)
class TidyReport:
    """What one round did.

    Attributes:
        forgotten: How many events went.
    """

    forgotten: int = 0


async def tidy(events: Events, keep: timedelta) -> TidyReport:
    """Forget what is older. Raises ``DatabaseUnavailable``."""
    forgotten = 0
    for _ in range(_MOST_BATCHES):
        count = await events.forget(keep, limit=_BATCH)
        forgotten += count
        if count < _BATCH:
            break
    return TidyReport(forgotten)
