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

    A second's worth of requests may come at once. The least recent users are forgotten when there are very many, which
    gives them a full bucket.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, user: str, per_second: int) -> None:
        """Count one request.

        Raises:
            QuotaExceeded: It is one too many.
        """
        now = self._clock()
        tokens, since = self._buckets.get(user, (float(per_second), now))
        tokens = min(float(per_second), tokens + (now - since) * per_second)
        allowed = tokens >= 1
        self._buckets[user] = (tokens - 1 if allowed else tokens, now)
        self._buckets.move_to_end(user)
        if len(self._buckets) > _MOST_USERS:
            self._buckets.popitem(last=False)
        if not allowed:
            raise QuotaExceeded(
                f"At most {per_second} requests a second are answered.", math.ceil((1 - tokens) / per_second)
            )
