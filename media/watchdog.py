"""Tells an encoder that hangs from one that is slow.

A heartbeat proves that the worker lives. Whether the program that it waits for gets anywhere is judged here, by three
clocks together: media time, output size and processor time. A program that rewrites a large file, looks forty frames
ahead or seeks in a long source moves at least one of them; one that hangs moves none.

Whether it takes more memory than there is for it is judged here as well: a limit on its addresses breaks encoders.

Both go on while a disk hangs, and with it whatever works on files: they look in threads of their own.
"""

import asyncio
import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from contracts.errors import DiskHangs, StorageFailed
from threads.disks import Disks
from threads.looks import looked

STALL_SECONDS: Final = 60.0
"""So long without any advance, and a program is taken for hanging."""

MEMORY_EVERY_SECONDS: Final = 1.0
"""How often a program's memory is looked at."""

_PATIENCE_SECONDS: Final = 5.0
_DISKS: Final = Disks()

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
    disks: Disks = _DISKS,
) -> None:
    """Watch a program until it stands still; runs for ever while it does not.

    Args:
        pid: Its process id.
        media: How far its output is, as it tells itself; compared with what it was.
        output: The file that it writes, or None.
        stall_seconds: How long all three clocks have to stand still.
        inputs: The files that it reads.
        disks: Whom their disks are asked by.

    Raises:
        Stalled: They have.
        DiskHangs: The same, and a disk of its files takes no small write: the fault is the disk's.
    """
    before: tuple[object, int, float] = (media(), 0, 0.0)  # not measured: most programs end before they are looked at
    while True:
        await asyncio.sleep(stall_seconds)
        size = 0 if output is None else await _answer(disks, output, _size)
        now = (media(), before[1] if size is None else size, await looked(_processor_seconds, pid))
        worked = now[2] - before[2] > _FEWEST_PROCESSOR_SECONDS
        if now[0] == before[0] and now[1] == before[1] and not worked:
            files = [*inputs] if output is None else [output, *inputs]
            silent = await _silent(disks, {file.parent for file in files})
            if silent is not None:
                raise DiskHangs(f"The disk of {silent} does not answer. Look whether it hangs.")
            raise Stalled(f"no media time, no output and no processor time in {stall_seconds:g} s")
        before = now


async def _silent(disks: Disks, folders: Collection[Path]) -> Path | None:
    """One of these whose disk does not answer; None where all do."""
    answers = await asyncio.gather(*(_answer(disks, folder / "any", _written_beside) for folder in folders))
    return next((folder for folder, answer in zip(folders, answers, strict=True) if answer is None), None)


async def _answer(disks: Disks, file: Path, look: Callable[[Path], int]) -> int | None:
    """What a look finds; None where the disk of the file does not say."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await (await disks.of(file)).ask(look, file)
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


def _written_beside(path: Path) -> int:
    """Bytes that its disk has taken, in a file without a name."""
    try:
        with tempfile.TemporaryFile(dir=path.parent, buffering=0) as file:
            written = file.write(b"?")
            os.fsync(file.fileno())
            return written
    except OSError:  # it refuses, which is an answer
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
