"""How much of a file one request brings."""

from typing import Final

MOST_PIECE_BYTES: Final = 256 * 1024 * 1024
_FIRST_BYTES: Final = 16 * 1024 * 1024
_LEAST_BYTES: Final = 1024 * 1024
_QUICK_SECONDS: Final = 2.0
_TIMES_AS_PATIENT: Final = 8


class PieceSize:
    """Grows while pieces take moments, so that their number costs no time, and shrinks where less is let through.

    A proxy may read all of what it refuses, which takes a slow sender minutes: pieces that take long don't grow. What
    was refused is never sent again. What a broken connection lost may have been too large, as some refuse without an
    answer, or met a bad moment: so less is sent next, and it grows again, each time later where the same is lost again.

    Args:
        most_bytes: It grows no further.

    Attributes:
        bytes: As much as the next request is to bring.
    """

    def __init__(self, most_bytes: int = MOST_PIECE_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lost_bytes: int | None = None
        self._grows_after = 1
        self._quick_pieces = 0
        self.bytes = min(_FIRST_BYTES, most_bytes)

    def got_through(self, sent_bytes: int, seconds: float) -> None:
        """A request brought so much, and was answered after so long."""
        if self._lost_bytes is not None and sent_bytes >= self._lost_bytes:
            self._lost_bytes, self._grows_after = None, 1
        if sent_bytes >= self.bytes and seconds < _QUICK_SECONDS:
            self._quick_pieces += 1
            if self._quick_pieces >= self._grows_after:
                self.bytes, self._quick_pieces = min(2 * self.bytes, self._most_bytes), 0

    def was_refused(self, sent_bytes: int) -> bool:
        """A request that was to bring so much was too large: whether there is less to be had."""
        is_lowered = self._lower(sent_bytes)
        if is_lowered:
            self._most_bytes = self.bytes
        return is_lowered

    def was_lost(self, sent_bytes: int) -> None:
        """The connection broke under a request that was to bring so much, and nothing of it got through."""
        if self._lower(sent_bytes):
            if self._lost_bytes is not None and sent_bytes >= self._lost_bytes:
                self._grows_after *= _TIMES_AS_PATIENT
            self._lost_bytes = sent_bytes

    def _lower(self, sent_bytes: int) -> bool:
        if sent_bytes > _LEAST_BYTES:
            self.bytes, self._quick_pieces = max(sent_bytes // 2, _LEAST_BYTES), 0
        return sent_bytes > _LEAST_BYTES
