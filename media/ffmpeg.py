"""The ffmpeg and ffprobe of this machine: how they are run, watched, and understood when they fail.

Errors are sentences for the uploader; what ffmpeg itself said is their cause, for the operator.
"""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Protocol, Self

from contracts.errors import DiskHangs, StorageFailed, TranscodeFailed, VideoError
from media.capacity import Capacity
from media.commands import with_most_pixels
from media.process import ProcessFailed, ProcessResult
from media.programs import Programs, find_programs
from media.progress import Advance, OnProgress, ProgressReader
from media.sandbox import Access, Sandbox, SandboxFailed, SandboxMode, find_sandbox
from media.together import together
from media.watchdog import STALL_SECONDS, Stalled, TooMuchMemory, watch, watch_memory
from threads.files import off_loop

_NO_ROOM_EXIT_CODES: Final = frozenset(256 - number for number in (errno.ENOSPC, errno.EDQUOT))
"""ffmpeg ends with the lowest byte of its negative error number."""

_TRY_AGAIN: Final = "Retry the video; if it happens again, the file may be at fault."
_ENDED: Final = {
    Stalled: f"The program that makes the video hung and was ended. {_TRY_AGAIN}",
    TimeoutError: f"The program that makes the video took too long and was ended. {_TRY_AGAIN}",
    TooMuchMemory: f"The program that makes the video took too much memory and was ended. {_TRY_AGAIN}",
    SandboxFailed: "The program that makes the video could not be confined, and so was not run. Retry the video.",
}


class _Run(Protocol):
    def __call__(
        self, arguments: Sequence[str], access: Access, *, on_start: Callable[[int], None]
    ) -> Coroutine[object, object, ProcessResult]: ...


@dataclass(frozen=True)
class Bounds:
    """What no program may go beyond, whatever the file says.

    Attributes:
        pixels: Largest picture that is decoded, width times height; None for no bound.
        memory_bytes: Most memory of one program; None for no bound.
        reading_bytes: The same of one that tells what it finds and makes nothing; None for no other bound.
    """

    pixels: int | None = None
    memory_bytes: int | None = None
    reading_bytes: int | None = None


class Ffmpeg:
    """The ffmpeg and ffprobe that were found on this machine.

    Every method runs a program in a session of its own; cancelling the call ends the program within five seconds. Where
    the disk of its files hangs, a call has failed with ``DiskHangs`` whether the program could be ended or not.

    Attributes:
        ffmpeg_path: The program.
        ffprobe_path: The program.
        version: Such as ``9.0.2``.
        unsafe: Which of the two are not known to be without memory-safety holes, in words; a caller that runs one
            should say so.
        decodable_codecs: Codec names, as ffprobe prints them, that ffmpeg can decode.
        encoder_threads: How many threads an encode gets; None for as many as the encoder likes.
        sandbox: What is around each call.
        bounds: What no program may go beyond.
    """

    def __init__(
        self,
        programs: Programs,
        capacity: Capacity | None = None,
        stall_seconds: float = STALL_SECONDS,
        encoder_threads: int | None = None,
        *,
        sandbox: Sandbox | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        """Use programs that ``find_programs`` has asked already.

        Args:
            programs: Where they are.
            capacity: Shared by all encodes of this process; None for no limit.
            stall_seconds: How long a program may stand still before it is taken for hanging.
            encoder_threads: How many threads an encode gets; None for as many as the encoder likes.
            sandbox: What is around each call; None for limits alone.
            bounds: What no program may go beyond; None for no such bounds.
        """
        self.sandbox = sandbox or Sandbox()
        self.bounds = bounds or Bounds()
        self.encoder_threads = encoder_threads
        self.ffmpeg_path = programs.ffmpeg
        self.ffprobe_path = programs.ffprobe
        self.version = programs.version
        self.unsafe = programs.unsafe
        self.decodable_codecs = programs.decodable_codecs
        self._capacity = capacity or Capacity(None)
        self._stall_seconds = stall_seconds

    @classmethod
    async def locate(
        cls,
        ffmpeg: Path | None = None,
        ffprobe: Path | None = None,
        *,
        capacity: Capacity | None = None,
        stall_seconds: float = STALL_SECONDS,
        encoder_threads: int | None = None,
        sandbox: SandboxMode = "off",
        bounds: Bounds | None = None,
    ) -> Self:
        """Find the programs: those given, else the installed wheels', else those on the path; and what confines them.

        Raises:
            FfmpegMissing: One is not there, does not run, is too old to be safe, or can't do what is needed.
            SandboxMissing: A sandbox is required, and none works here.
        """
        programs = await find_programs(ffmpeg, ffprobe)
        around = await find_sandbox(sandbox, (programs.ffmpeg, programs.ffprobe))
        return cls(programs, capacity, stall_seconds, encoder_threads, sandbox=around, bounds=bounds)

    def reading_within(self, memory_bytes: int) -> Self:
        """The same, of which those that tell what they find may take so much memory."""
        other = copy(self)
        other.bounds = replace(self.bounds, reading_bytes=memory_bytes)
        return other

    @asynccontextmanager
    async def room_for(self, memory_bytes: int) -> AsyncIterator[None]:
        """Hold memory for an encode while the block runs; wait for it where others hold too much."""
        async with self._capacity.hold(memory_bytes):
            yield

    async def run(
        self,
        command: Sequence[str],
        access: Access,
        *,
        on_progress: OnProgress | None = None,
        on_line: Callable[[str], None] | None = None,
        on_complaint: Callable[[str], None] | None = None,
    ) -> tuple[ProcessResult, Advance]:
        """Run an ffmpeg command that tells its progress, and watch whether it gets anywhere.

        Args:
            command: As the modules of commands make it.
            access: The files that it reads and writes, and how long it may take.
            on_progress: Called when the output has grown; what it raises ends the program.
            on_line: Called with each line that it prints, those of its progress among them.
            on_complaint: Called with each line that it says on standard error.

        Returns:
            How it ended, whatever its exit code, and how much came out.

        Raises:
            TranscodeFailed: It was killed by a signal; or it hung, took too long or too much memory, and was ended.
            DiskHangs: It hung, and so does the disk of one of its files.
        """
        reader = ProgressReader(on_progress)

        def read_line(line: str) -> None:
            reader.read_line(line)
            if on_line is not None:
                on_line(line)

        running = partial(self.sandbox.run, on_line=read_line, on_complaint=on_complaint)
        result = await self._run_watched(running, command, access, lambda: reader.advance)
        raise_if_killed("ffmpeg", result)
        return result, reader.advance

    async def read(
        self,
        command: Sequence[str],
        access: Access,
        *,
        on_line: Callable[[str], None] | None = None,
        on_complaint: Callable[[str], None] | None = None,
    ) -> ProcessResult:
        """Run a command of ffmpeg or ffprobe that tells what it finds instead of its progress.

        Args:
            command: As the modules of commands make it.
            access: The files that it reads and writes, and how long it may take.
            on_line: Called with each line that it prints; the result has none then.
            on_complaint: Called with each line that it says on standard error.

        Returns:
            How it ended, whatever its exit code or signal.

        Raises:
            TooMuchOutput: It printed more than anyone would read.
            TranscodeFailed: It hung, took too long or too much memory, and was ended.
            DiskHangs: It hung, and so does the disk of one of its files.
        """
        lines = 0

        def read_line(line: str) -> None:
            nonlocal lines
            lines += 1
            if on_line is not None:
                on_line(line)

        taken = read_line if on_line is not None else None
        running = partial(self.sandbox.run, on_line=taken, on_complaint=on_complaint)
        return await self._run_watched(running, command, access, lambda: lines, self.bounds.reading_bytes)

    async def _run_watched(
        self,
        run: "_Run",
        command: Sequence[str],
        access: Access,
        advance: Callable[[], object],
        most_bytes: int | None = None,
    ) -> ProcessResult:
        """Run the command within the sandbox, and end it where it gets nowhere or takes more than it may."""
        bytes_bounds = [bound for bound in (self.bounds.memory_bytes, most_bytes) if bound is not None]
        pixels_bounds = [bound for bound in (self.bounds.pixels, access.pixels) if bound is not None]
        if pixels_bounds:
            command = with_most_pixels(command, min(pixels_bounds))
        started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(run(command, access, on_start=started.set_result))
        watching = asyncio.create_task(self._watch(started, access, advance, min(bytes_bounds, default=None)))
        try:
            async with asyncio.timeout(access.seconds):
                await asyncio.wait({running, watching}, return_when=asyncio.FIRST_COMPLETED)
                if not running.done():
                    watching.result()
                return await running
        except (Stalled, TooMuchMemory, TimeoutError, SandboxFailed) as fault:
            raise TranscodeFailed(_ENDED[type(fault)]) from fault
        finally:
            await _ended(watching, running)

    async def _watch(
        self, started: "asyncio.Future[int]", access: Access, advance: Callable[[], object], most_bytes: int | None
    ) -> None:
        output = next(iter(access.writes), None)
        async with together() as group:
            group.create_task(watch(await started, advance, output, self._stall_seconds, inputs=access.reads))
            if most_bytes is not None:
                group.create_task(watch_memory(await started, most_bytes))


def raise_if_killed(program: str, result: ProcessResult) -> None:
    """Raise ``TranscodeFailed`` where a signal ended the program: the file may be good."""
    if result.return_code < 0:
        raise TranscodeFailed(
            "The program that reads the video was killed, perhaps for lack of memory. Retry the video."
        ) from ProcessFailed(program, result)


def raise_if_failed(result: ProcessResult) -> None:
    """Raise what an exit code of ffmpeg means when it wrote something; nothing for 0.

    Raises:
        StorageFailed: There is no room for the output.
        TranscodeFailed: Anything else.
    """
    if result.return_code == 0:
        return
    failure: VideoError = TranscodeFailed(
        "The video could not be converted, though it could be opened. Export it again, as MP4."
    )
    if result.return_code in _NO_ROOM_EXIT_CODES:
        failure = StorageFailed("There is no room left for the output. The service's disk is full.")
    raise failure from ProcessFailed("ffmpeg", result)


@asynccontextmanager
async def nothing_left_without_success(target: Path) -> AsyncIterator[None]:
    """Remove the file where the block fails, unless its disk hangs."""
    try:
        yield
    except DiskHangs:
        raise
    except BaseException:
        await off_loop(target.unlink, missing_ok=True)
        raise


async def _ended(*tasks: "asyncio.Task[object]") -> None:
    """Cancel what still runs and wait until it has ended."""
    for task in tasks:
        task.cancel()
    while pending := [task for task in tasks if not task.done()]:
        await asyncio.wait(pending)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at, or asyncio complains that nobody did
