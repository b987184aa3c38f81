"""How a length of time is told to people, everywhere the same."""

from typing import Final

_MINUTE_SECONDS: Final = 60
_HOUR_SECONDS: Final = 3600
_EXACT_BELOW_SECONDS: Final = 1


def duration_text(seconds: float) -> str:
    """Seconds as people read them: ``0.52 s``, ``8.2 s``, ``3 min 05 s``, ``1 h 04 min``."""
    if seconds < _EXACT_BELOW_SECONDS:
        return f"{seconds:.2f} s"
    if round(seconds, 1) < _MINUTE_SECONDS:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR_SECONDS:
        minutes, rest = divmod(whole, _MINUTE_SECONDS)
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(whole // _MINUTE_SECONDS, _MINUTE_SECONDS)
    return f"{hours} h {minutes:02d} min"
