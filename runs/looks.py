"""One look serves all who ask within a moment: a thousand watchers cost Temporal no more than one."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

FRESH_SECONDS: Final = 1.0
_MOST_KEPT: Final = 10_000

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class _Look(Generic[Seen]):
    begun_at: float
    seen: "asyncio.Future[Seen]"


class Looks(Generic[Seen]):
    """Looks at things by name, and remembers for a moment what was seen.

    Args:
        look: Looks at one thing.
        fresh_seconds: For how long a look serves others.
    """

    def __init__(self, look: Callable[[str], Awaitable[Seen]], fresh_seconds: float = FRESH_SECONDS) -> None:
        self._look = look
        self._fresh_seconds = fresh_seconds
        self._looks: OrderedDict[str, _Look[Seen]] = OrderedDict()

    async def at(self, name: str) -> Seen:
        """What is seen of it now, or was a moment ago. A look that fails does so for all who wait, and is forgotten.

        Cancelling one who waits does not end the look of the others.
        """
        known = self._looks.get(name)
        if known is None or time.monotonic() - known.begun_at > self._fresh_seconds:
            known = _Look(time.monotonic(), asyncio.ensure_future(self._look(name)))
            self._looks[name] = known
            self._looks.move_to_end(name)
            if len(self._looks) > _MOST_KEPT:
                self._looks.popitem(last=False)
        try:
            return await asyncio.shield(known.seen)
        except Exception:
            if self._looks.get(name) is known:
                del self._looks[name]
            raise
