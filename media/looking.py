"""Looks into uploads: programs that take no more memory than is held for them."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

from contracts.errors import LimitExceeded, TranscodeFailed
from media.ffmpeg import Ffmpeg
from media.samples import check_samples
from media.watchdog import TooMuchMemory
from threads.files import off_loop

_AT_ONCE: Final = 3
_USUAL_BYTES: Final = 128 * 1024 * 1024
"""What a program takes besides what the tables of the file come to: 90 MB of a film in 8K."""

_MOST_BYTES: Final = 2 * 1024**3
"""Of a program that looks at a file and makes nothing of it, however much the machine has."""

Result = TypeVar("Result")


def most_of_each(memory_bytes: int | None) -> int:
    """How much memory one program of a look may take where all together have so much; None where that is not known."""
    return _MOST_BYTES if memory_bytes is None else min(_MOST_BYTES, memory_bytes // _AT_ONCE)


async def looked_into(ffmpeg: Ffmpeg, path: Path, look: Callable[[Ffmpeg], Awaitable[Result]]) -> Result:
    """What a look finds in the file, by three programs at once at most.

    As much memory is held for them as such files take, and they are ended where they take more; then the look begins
    anew, with as much as any may take, which is seldom there beside others: it may wait for an encode to end.

    Args:
        ffmpeg: The programs.
        path: The file.
        look: Runs those that it is given; may run twice.

    Raises:
        LimitExceeded: The tables of the file say that this is absurd, or a program took more than any may.
        OSError: The file can't be read.
    """
    samples = await off_loop(check_samples, path)
    usual, most = _USUAL_BYTES + samples.memory_bytes, ffmpeg.bounds.reading_bytes
    try:
        if most is not None and most > usual:
            try:
                return await _within(usual, ffmpeg.reading_within(usual), look)
            except TranscodeFailed as failure:
                if not isinstance(failure.__cause__, TooMuchMemory):
                    raise
        return await _within(most or usual, ffmpeg, look)
    except TranscodeFailed as failure:
        if isinstance(failure.__cause__, TooMuchMemory):  # it would again
            raise LimitExceeded(
                "It takes too much memory to look into the file. Export it again, as MP4, and upload the new file."
            ) from failure.__cause__
        raise


async def _within(memory_bytes: int, ffmpeg: Ffmpeg, look: Callable[[Ffmpeg], Awaitable[Result]]) -> Result:
    async with ffmpeg.room_for(_AT_ONCE * memory_bytes):
        return await look(ffmpeg)
