"""ffmpeg's ``-progress`` report: ``key=value`` lines, a block at a time, each ended by ``progress=``."""

from collections.abc import Callable

MICROSECONDS = 1_000_000


class ProgressReader:
    """Reads the report line by line and tells when the output has grown.

    Attributes:
        out_time_seconds: How much of the output there is.
        frames: How many pictures have come out.
    """

    def __init__(self, on_progress: Callable[[float, float | None], None] | None = None) -> None:
        """Call ``on_progress(out_time_seconds, speed)`` whenever ``out_time`` has advanced, and only then."""
        self.out_time_seconds = 0.0
        self.frames = 0
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
        self.frames = int(_number(block.get("frame")) or 0)
        out_time = (_number(block.get("out_time_us")) or 0.0) / MICROSECONDS
        if out_time > self.out_time_seconds:
            self.out_time_seconds = out_time
            if self._on_progress is not None:
                self._on_progress(out_time, _number(block.get("speed", "").removesuffix("x")))


def _number(text: str | None) -> float | None:
    """What ffmpeg does not know yet, it writes as N/A."""
    try:
        return float(text or "")
    except ValueError:
        return None
