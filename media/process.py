"""The one place that runs another program: it is always drained, always waited for, and never outlives its caller."""

import asyncio
import contextlib
import errno
import functools
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opentelemetry import trace

KILL_AFTER_SECONDS: Final = 3.0
"""How long a program that was asked to end may take before it is killed."""

LEFT_AFTER_SECONDS: Final = 20.0
"""How long a program that was killed may take to be gone before nobody waits for it: it hangs in the kernel, as at a
disk. It is killed all the same, and does nothing of its own any more."""

STDERR_TAIL_BYTES: Final = 64 * 1024
MAX_STDOUT_BYTES: Final = 4 * 1024 * 1024
MAX_LINE_BYTES: Final = 64 * 1024

_READ_BYTES: Final = 64 * 1024

_PROGRAMS: Final = ("ffmpeg", "ffprobe")
_KILLED_WITH_PARENT: Final = ("--pdeathsig", "KILL")

_tracer = trace.get_tracer("rushes.media")


@dataclass(frozen=True)
class ProcessResult:
    """How a program ended.

    Attributes:
        return_code: Its exit code; minus the signal's number where a signal ended it.
        stdout: What it printed, where no one took the lines; at most ``MAX_STDOUT_BYTES``.
        stderr_tail: The last ``STDERR_TAIL_BYTES`` of its complaints.
    """

    return_code: int
    stdout: str
    stderr_tail: str


class ProcessFailed(Exception):
    """A program ended with an error; for the cause of a ``VideoError``, where an operator reads it."""

    def __init__(self, program: str, result: ProcessResult) -> None:
        ended = (
            f"was ended by signal {-result.return_code}"
            if result.return_code < 0
            else f"ended with exit code {result.return_code}"
        )
        super().__init__(f"{program} {ended}: {result.stderr_tail[-2000:].strip() or 'it said nothing'}")


class TooMuchOutput(Exception):
    """A program printed more than anyone would read."""


async def run_process(
    arguments: Sequence[str],
    *,
    on_line: Callable[[str], None] | None = None,
    on_complaint: Callable[[str], None] | None = None,
    on_start: Callable[[int], None] | None = None,
    pass_descriptors: Sequence[int] = (),
    lifeline: int | None = None,
    asks_itself: bool = False,
) -> ProcessResult:
    """Run a program to its end, in a session of its own, without input and without an environment.

    However this is left, the program is gone, or can't do anything any more: on cancellation, or when ``on_line``
    raises, its process group gets SIGTERM and after ``KILL_AFTER_SECONDS`` SIGKILL. When this process is killed, the
    kernel kills the program, once ``guard`` has asked it to; a program to which that happens before finds out by its
    lifeline.

    Args:
        arguments: The program's path and its arguments; no shell is involved.
        on_line: Called with each line of stdout, without its end, as it arrives; stdout is then not kept. A line
            longer than ``MAX_LINE_BYTES`` comes in pieces.
        on_complaint: Called likewise with each line of stderr; the end of it is kept all the same.
        on_start: Called with the program's process id.
        pass_descriptors: Of open files that the program gets, under the same numbers.
        lifeline: What the program gets as standard input, and looks at first (``media.lifeline``); None for nothing.
        asks_itself: It is the program that asks the kernel to be killed when this process is.

    Raises:
        FileNotFoundError: There is no such program, or it is not executable.
        OSError: It could not be started for another reason.
        TooMuchOutput: It printed more than ``MAX_STDOUT_BYTES`` and no one took the lines.
    """
    with _tracer.start_as_current_span(_name_of(arguments)) as span:
        result = await _run(
            arguments,
            on_line=on_line,
            on_complaint=on_complaint,
            on_start=on_start,
            pass_descriptors=pass_descriptors,
            lifeline=lifeline,
            asks_itself=asks_itself,
        )
        span.set_attribute("process.exit.code", result.return_code)
        return result


def _name_of(arguments: Sequence[str]) -> str:
    """``ffmpeg`` or ``ffprobe``, whatever sandbox is around it."""
    names = [Path(argument).name for argument in arguments]
    found = (program for name in names for program in _PROGRAMS if name.startswith(program))
    return next(found, names[0])


async def _run(
    arguments: Sequence[str],
    *,
    on_line: Callable[[str], None] | None,
    on_complaint: Callable[[str], None] | None,
    on_start: Callable[[int], None] | None,
    pass_descriptors: Sequence[int],
    lifeline: int | None,
    asks_itself: bool,
) -> ProcessResult:
    if shutil.which(arguments[0]) is None:  # else the guard would be found, and fail in its own words
        raise FileNotFoundError(errno.ENOENT, "there is no program that can be run", arguments[0])
    process = await asyncio.create_subprocess_exec(
        *(guard_of_what_asks() if asks_itself else guard()),
        *arguments,
        env={},  # what stands in ours is for us: passwords, keys
        stdin=asyncio.subprocess.DEVNULL if lifeline is None else lifeline,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        pass_fds=pass_descriptors,
    )
    if on_start is not None:
        on_start(process.pid)
    stdout = _Lines(on_line) if on_line else _Kept(MAX_STDOUT_BYTES)
    stderr = _Tail(STDERR_TAIL_BYTES, on_complaint)
    drains = [
        asyncio.create_task(_drain(process.stdout, stdout.feed)),
        asyncio.create_task(_drain(process.stderr, stderr.feed)),
    ]
    try:
        # Not gather(): a cancelled wait leaves the drains running, so the program can say its last words and end.
        done, _ = await asyncio.wait(drains, return_when=asyncio.FIRST_EXCEPTION)
        for drain in done:
            drain.result()
        return_code = await process.wait()
    except BaseException:
        stdout.stop()
        # A pipe that no one reads any more would hide the program's end.
        drains += [
            asyncio.create_task(_drain(stream, _discard))
            for stream, drain in zip((process.stdout, process.stderr), tuple(drains), strict=True)
            if drain.done()
        ]
        await _end(process)
        raise
    finally:
        for drain in drains:
            drain.cancel()
        await asyncio.gather(*drains, return_exceptions=True)
    return ProcessResult(return_code, stdout.close(), stderr.text())


def guard_of_what_asks() -> tuple[str, ...]:
    """The same for a command that asks the kernel itself: no new privileges."""
    return tuple(option for option in guard() if option not in _KILLED_WITH_PARENT)


@functools.cache
def guard() -> tuple[str, ...]:
    """What to put before a command: the kernel kills it when its parent dies, and it gets no new privileges.

    Nothing where that can't be: util-linux's ``setpriv`` can; busybox's program of the same name can't.
    """
    found = shutil.which("setpriv")
    if found is None or Path(found).resolve().name != "setpriv":
        return ()
    return (found, *_KILLED_WITH_PARENT, "--no-new-privs", "--")


async def _drain(stream: asyncio.StreamReader | None, take: Callable[[bytes], None]) -> None:
    """Pass on what arrives until the end; by pieces, as a line may be longer than a StreamReader likes."""
    if stream is None:
        return
    while piece := await stream.read(_READ_BYTES):
        take(piece)


def _discard(_piece: bytes) -> None:
    pass


async def _end(process: asyncio.subprocess.Process) -> None:
    """SIGTERM, some patience, SIGKILL. The program is reaped when this returns, also when this is cancelled.

    One that the kernel holds is reaped when that lets go of it, and not waited for any longer.

    ``wait()`` returns when the program has ended and its pipes are closed, so a program that it started itself and that
    holds a pipe is ended too.
    """
    _signal_group(process, signal.SIGTERM)
    exited = asyncio.ensure_future(process.wait())
    clock = asyncio.get_running_loop().time
    killed_at: float | None = None
    while not exited.done():
        with contextlib.suppress(asyncio.CancelledError):  # whoever cancels again is impatient: no more grace
            await asyncio.wait({exited}, timeout=KILL_AFTER_SECONDS)
        if killed_at is not None and (process.returncode is not None or clock() > killed_at + LEFT_AFTER_SECONDS):
            exited.cancel()  # it is gone, and who still holds a pipe has left the group and is not ours to end; or held
            return
        if not exited.done():
            _signal_group(process, signal.SIGKILL)
            killed_at = clock() if killed_at is None else killed_at


def _signal_group(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


class _Tail:
    """Keeps the end, and hands on each line where somebody wants them."""

    def __init__(self, limit: int, on_line: Callable[[str], None] | None) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._lines = _Lines(on_line) if on_line is not None else None

    def feed(self, piece: bytes) -> None:
        self._kept.extend(piece)
        del self._kept[: -self._limit]
        if self._lines is not None:
            self._lines.feed(piece)

    def text(self) -> str:
        return self._kept.decode(errors="replace")


class _Kept:
    """Keeps everything, up to a limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()

    def feed(self, piece: bytes) -> None:
        self._kept.extend(piece)
        if len(self._kept) > self._limit:
            raise TooMuchOutput(f"a program printed more than {self._limit} bytes")

    def stop(self) -> None:
        self._limit = sys.maxsize
        self._kept.clear()

    def close(self) -> str:
        return self._kept.decode(errors="replace")


class _Lines:
    """Hands on each line as it is complete and keeps nothing."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line: Callable[[str], None] | None = on_line
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        if self._on_line is None:
            return
        *whole, rest = (self._rest + piece).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            whole, rest = [*whole, rest], b""
        self._rest = rest
        for line in whole:
            self._on_line(line.decode(errors="replace"))

    def stop(self) -> None:
        self._on_line = None

    def close(self) -> str:
        if self._on_line is not None and self._rest:
            self._on_line(self._rest.decode(errors="replace"))
        return ""
