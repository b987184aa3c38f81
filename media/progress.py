"""ffmpeg's ``-progress`` report: ``key=value`` lines, a block at a time, each ended by ``progress=``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MICROSECONDS = 1_000_000
_MOST_SPEED: Final = 10_000.0


@dataclass(frozen=True)
class Advance:
    """How far an output is.

    Attributes:
        frames: How many pictures have come out.
        out_time_seconds: How much of the output there is; with ``-copyts``, since the first report.
        speed: Seconds of media in a second, or None until ffmpeg says.
    """

    frames: int
    out_time_seconds: float
    speed: float | None


OnProgress = Callable[[Advance], None]
OnRead = Callable[[int, int], None]
"""Told how many bytes were read, and of how many."""


class ProgressReader:
    """Reads the report line by line and tells when the output has grown.

    Attributes:
        advance: The newest report.
    """

    def __init__(self, on_progress: OnProgress | None = None) -> None:
        """Call ``on_progress`` whenever there are more pictures or more time, and only then."""
        self.advance = Advance(0, 0.0, None)
        self._on_progress = on_progress
        self._block: dict[str, str] = {}

    def read_line(self, line: str) -> None:
        """Take one line, without its end."""
        key, _, value = line.partition("=")
        self._block[key.strip()] = value.strip()
        if key == "progress":
            self._end_block()

    def _end_block(self) -> None:
        block, self._block = self._block, {}
        before = self.advance
        now = Advance(
            frames=int(_number(block.get("frame")) or 0),
            out_time_seconds=(_number(block.get("out_time_us")) or 0.0) / MICROSECONDS,
            speed=_speed(_number(block.get("speed", "").removesuffix("x"))),
        )
        if now.frames > before.frames or now.out_time_seconds > before.out_time_seconds:
            self.advance = now
            if self._on_progress is not None:
                self._on_progress(now)


def _speed(told: float | None) -> float | None:
    """What ffmpeg divides by next to no time, at its begin or where the clock was set, means nothing."""
    return told if told is not None and told < _MOST_SPEED else None


def _number(text: str | None) -> float | None:
    """What ffmpeg does not know yet, it writes as N/A."""
    try:
        return float(text or "")
    except ValueError:
        return None
