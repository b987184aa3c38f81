"""How much of a file one request brings."""

from typing import Final

MOST_PIECE_BYTES: Final = 256 * 1024 * 1024
_FIRST_BYTES: Final = 16 * 1024 * 1024
_LEAST_BYTES: Final = 1024 * 1024
_QUICK_SECONDS: Final = 2.0


class PieceSize:
    """Grows while pieces take moments, so that their number costs no time, and shrinks where less is let through.

    A proxy may read all of what it refuses, which takes a slow sender minutes: pieces that take long don't grow.

    Args:
        most_bytes: It grows no further.

    Attributes:
        bytes: As much as the next request is to bring.
    """

    def __init__(self, most_bytes: int = MOST_PIECE_BYTES) -> None:
        self._most_bytes = most_bytes
        self.bytes = min(_FIRST_BYTES, most_bytes)

    def got_through(self, sent_bytes: int, seconds: float) -> None:
        """A request brought so much, and was answered after so long."""
        if sent_bytes >= self.bytes and seconds < _QUICK_SECONDS:
            self.bytes = min(2 * self.bytes, self._most_bytes)

    def was_refused(self, sent_bytes: int) -> bool:
        """A request that was to bring so much was too large: whether there is less to be had."""
        if sent_bytes > _LEAST_BYTES:
            self.bytes = self._most_bytes = max(sent_bytes // 2, _LEAST_BYTES)
        return sent_bytes > _LEAST_BYTES
