"""Tells an encoder that hangs from one that is slow.

A heartbeat proves that the worker lives. Whether the program that it waits for gets anywhere is judged here, by three
clocks together: media time, output size and processor time. A program that rewrites a large file, looks forty frames
ahead or seeks in a long source moves at least one of them; one that hangs moves none.

Whether it takes more memory than there is for it is judged here as well: a limit on its addresses breaks encoders.

Both go on while a disk hangs, and with it whatever works on files: they look in threads of their own.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from contracts.errors import DiskHangs, StorageFailed
from threads.looks import looked
from threads.questions import Questions

STALL_SECONDS: Final = 60.0
"""So long without any advance, and a program is taken for hanging."""

MEMORY_EVERY_SECONDS: Final = 1.0
"""How often a program's memory is looked at."""

_PATIENCE_SECONDS: Final = 5.0
_SIZES: Final = Questions("The disk of a program's files")

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
_FEWEST_PROCESSOR_SECONDS: Final = 0.05
"""A program that waits wakes up now and then, which is no advance."""


class Stalled(Exception):
    """The program does not get anywhere."""


class TooMuchMemory(Exception):
    """The program holds more memory than there is for it."""


async def watch(
    pid: int,
    media: Callable[[], object],
    output: Path | None,
    stall_seconds: float = STALL_SECONDS,
    *,
    inputs: Sequence[Path] = (),
    size_of: Callable[[Path], int] | None = None,
) -> None:
    """Watch a program until it stands still; runs for ever while it does not.

    Args:
        pid: Its process id.
        media: How far its output is, as it tells itself; compared with what it was.
        output: The file that it writes, or None.
        stall_seconds: How long all three clocks have to stand still.
        inputs: The files that it reads.
        size_of: Tells how large a file is, from a thread; by default as the disk says.

    Raises:
        Stalled: They have.
        DiskHangs: The same, and a disk of its files does not say how large they are: the fault is the disk's.
    """
    ask = size_of or _size
    before: tuple[object, int, float] = (media(), 0, 0.0)  # not measured: most programs end before they are looked at
    while True:
        await asyncio.sleep(stall_seconds)
        size = 0 if output is None else await _answered(ask, output)
        now = (media(), before[1] if size is None else size, await looked(_processor_seconds, pid))
        worked = now[2] - before[2] > _FEWEST_PROCESSOR_SECONDS
        if now[0] == before[0] and now[1] == before[1] and not worked:
            silent = output if size is None else await _silent(ask, inputs)
            if silent is not None:
                raise DiskHangs(f"The disk of {silent.parent} does not answer. Look whether it hangs.")
            raise Stalled(f"no media time, no output and no processor time in {stall_seconds:g} s")
        before = now


async def _silent(size_of: Callable[[Path], int], paths: Sequence[Path]) -> Path | None:
    """One of these files whose disk does not answer, asked about one of each folder; None where all do."""
    one_of_each = {path.parent: path for path in paths}.values()
    sizes = await asyncio.gather(*(_answered(size_of, path) for path in one_of_each))
    return next((path for path, size in zip(one_of_each, sizes, strict=True) if size is None), None)


async def _answered(size_of: Callable[[Path], int], output: Path) -> int | None:
    """How large it is; None where its disk does not say."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await _SIZES.ask(size_of, output)
    except (TimeoutError, StorageFailed):
        return None


async def watch_memory(pid: int, most_bytes: int) -> None:
    """Watch a program until it holds more memory than this; runs for ever while it does not.

    Raises:
        TooMuchMemory: It does.
    """
    while True:
        await asyncio.sleep(MEMORY_EVERY_SECONDS)
        held = await looked(_resident_bytes, pid)
        if held > most_bytes:
            raise TooMuchMemory(f"{held} bytes of memory, and {most_bytes} is the most")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _processor_seconds(pid: int) -> float:
    """User and system time of a program and what it started; 0 where it is gone."""
    return sum(int(fields[11]) + int(fields[12]) for fields in _stats(pid)) / _TICKS_A_SECOND


def _resident_bytes(pid: int) -> int:
    return sum(int(fields[21]) for fields in _stats(pid)) * _PAGE_BYTES


def _stats(pid: int) -> Iterator[list[str]]:
    """What the kernel says of the program and of each process of its group, as a sandbox is a process around it.

    Fields from the third on of ``/proc/pid/stat`` (proc(5)): the group is the fifth there.
    """
    for name in os.listdir("/proc"):  # noqa: PTH208  a path for each process would take longer than the rest
        if not name.isdigit():
            continue
        try:
            fields = Path(f"/proc/{name}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if fields and (int(name) == pid or int(fields[2]) == pid):
            yield fields
