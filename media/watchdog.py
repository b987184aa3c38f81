"""Tells an encoder that hangs from one that is slow.

A heartbeat proves that the worker lives. Whether the program that it waits for gets anywhere is judged here, by three
clocks together: media time, output size and processor time. A program that rewrites a large file, looks forty frames
ahead or seeks in a long source moves at least one of them; one that hangs moves none.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

STALL_SECONDS: Final = 60.0
"""So long without any advance, and a program is taken for hanging."""

_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
_FEWEST_PROCESSOR_SECONDS: Final = 0.05
"""A program that waits wakes up now and then, which is no advance."""


class Stalled(Exception):
    """The program does not get anywhere."""


async def watch(
    pid: int, media: Callable[[], object], output: Path | None, stall_seconds: float = STALL_SECONDS
) -> None:
    """Watch a program until it stands still; runs for ever while it does not.

    Args:
        pid: Its process id.
        media: How far its output is, as it tells itself; compared with what it was.
        output: The file that it writes, or None.
        stall_seconds: How long all three clocks have to stand still.

    Raises:
        Stalled: They have.
    """
    before = (media(), await asyncio.to_thread(_size, output), _processor_seconds(pid))
    while True:
        await asyncio.sleep(stall_seconds)
        now = (media(), await asyncio.to_thread(_size, output), _processor_seconds(pid))
        worked = now[2] - before[2] > _FEWEST_PROCESSOR_SECONDS
        if now[0] == before[0] and now[1] == before[1] and not worked:
            raise Stalled(f"no media time, no output and no processor time in {stall_seconds:g} s")
        before = now


def _size(path: Path | None) -> int:
    try:
        return path.stat().st_size if path is not None else 0
    except OSError:
        return 0


def _processor_seconds(pid: int) -> float:
    """User and system time of a process; 0 where it is gone (proc(5), ``/proc/pid/stat``, fields 14 and 15)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND
    except (OSError, IndexError, ValueError):
        return 0.0
