"""How long whoever watches waits for an api that is away."""

import time
from typing import Final

from client.errors import RushesError

_SECONDS: Final = 60.0


class Patience:
    """Bears that no answer comes, or none but that the service can't answer now (5xx, a proxy's too).

    Args:
        seconds: How long that may last before it is an error.
    """

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._answered = time.monotonic()

    def renew(self) -> None:
        """An answer came."""
        self._answered = time.monotonic()

    def bear(self, error: RushesError) -> None:
        """Return where asking again may help. Raises ``error`` where it does not, or has not for too long."""
        if not (error.is_unanswered or error.is_passing) or time.monotonic() - self._answered > self._seconds:
            raise error
