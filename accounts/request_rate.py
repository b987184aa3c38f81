"""How often a user may ask: a bucket of tokens that fills by itself (a "token bucket")."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from contracts.refusals import QuotaExceeded

_MOST_USERS: Final = 10_000


class RequestRates:
    """Counts the requests of each user that came to this process.

    The least recent users are forgotten when there are very many, which gives them a full bucket.

    Args:
        clock: Seconds that only grow.
        at_once_seconds: What so many seconds bring may come at once.
        what: What they are called in a refusal.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, at_once_seconds: int = 1, what: str = "requests"
    ) -> None:
        self._clock = clock
        self._at_once_seconds = at_once_seconds
        self._what = what
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, user: str, per_second: int) -> None:
        """Count one request.

        Raises:
            QuotaExceeded: It is one too many.
        """
        now, most = self._clock(), float(per_second * self._at_once_seconds)
        tokens, since = self._buckets.get(user, (most, now))
        tokens = min(most, tokens + (now - since) * per_second)
        allowed = tokens >= 1
        self._buckets[user] = (tokens - 1 if allowed else tokens, now)
        self._buckets.move_to_end(user)
        if len(self._buckets) > _MOST_USERS:
            self._buckets.popitem(last=False)
        if not allowed:
            raise QuotaExceeded(
                f"At most {per_second} {self._what} a second are answered.", math.ceil((1 - tokens) / per_second)
            )
