"""The ffmpeg and ffprobe of this machine: how they are run, watched, and understood when they fail.

Errors are sentences for the uploader; what ffmpeg itself said is their cause, for the operator.
"""

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Self

from contracts.errors import StorageFailed, TranscodeFailed, VideoError
from media.capacity import Capacity
from media.process import ProcessFailed, ProcessResult, run_process
from media.programs import Programs, find_programs
from media.progress import Advance, OnProgress, ProgressReader
from media.watchdog import STALL_SECONDS, Stalled, watch

_NO_ROOM_EXIT_CODES: Final = frozenset(256 - number for number in (errno.ENOSPC, errno.EDQUOT))
"""ffmpeg ends with the lowest byte of its negative error number."""


class Ffmpeg:
    """The ffmpeg and ffprobe that were found on this machine.

    Every method runs a program in a session of its own; cancelling the call ends the program within five seconds.

    Attributes:
        ffmpeg_path: The program.
        ffprobe_path: The program.
        version: Such as ``9.0.2``.
        unsafe: Which of the two are not known to be without memory-safety holes, in words; a caller that runs one
            should say so.
        decodable_codecs: Codec names, as ffprobe prints them, that ffmpeg can decode.
        encoder_threads: How many threads an encode gets; None for as many as the encoder likes.
    """

    def __init__(
        self,
        programs: Programs,
        capacity: Capacity | None = None,
        stall_seconds: float = STALL_SECONDS,
        encoder_threads: int | None = None,
    ) -> None:
        """Use programs that ``find_programs`` has asked already.

        Args:
            programs: Where they are.
            capacity: Shared by all encodes of this process; None for no limit.
            stall_seconds: How long a program may stand still before it is taken for hanging.
            encoder_threads: How many threads an encode gets; None for as many as the encoder likes.
        """
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
    ) -> Self:
        """Find the programs: those given, else the installed wheels', else those on the path.

        Raises:
            FfmpegMissing: One is not there, does not run, is too old to be safe, or can't do what is needed.
        """
        return cls(await find_programs(ffmpeg, ffprobe), capacity, stall_seconds, encoder_threads)

    @asynccontextmanager
    async def room_for(self, memory_bytes: int) -> AsyncIterator[None]:
        """Hold memory for an encode while the block runs; wait for it where others hold too much."""
        async with self._capacity.hold(memory_bytes):
            yield

    async def run(
        self,
        command: Sequence[str],
        *,
        output: Path | None = None,
        on_progress: OnProgress | None = None,
        on_line: Callable[[str], None] | None = None,
        on_complaint: Callable[[str], None] | None = None,
    ) -> tuple[ProcessResult, Advance]:
        """Run an ffmpeg command that tells its progress, and watch whether it gets anywhere.

        Args:
            command: As the modules of commands make it.
            output: The file that it writes, or None.
            on_progress: Called when the output has grown; what it raises ends the program.
            on_line: Called with each line that it prints, those of its progress among them.
            on_complaint: Called with each line that it says on standard error.

        Returns:
            How it ended, whatever its exit code, and how much came out.

        Raises:
            TranscodeFailed: It was killed by a signal, or hung and was ended.
        """
        reader = ProgressReader(on_progress)

        def read_line(line: str) -> None:
            reader.read_line(line)
            if on_line is not None:
                on_line(line)

        started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(
            run_process(command, on_line=read_line, on_complaint=on_complaint, on_start=started.set_result)
        )
        watching = asyncio.create_task(self._watch(started, reader, output))
        try:
            await asyncio.wait({running, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                watching.result()
            result = await running
        except Stalled as stall:
            raise TranscodeFailed(
                "The program that makes the video hung and was ended. Retry the video; if it happens again, the file "
                "may be at fault."
            ) from stall
        finally:
            await _ended(watching, running)
        raise_if_killed("ffmpeg", result)
        return result, reader.advance

    async def _watch(self, started: "asyncio.Future[int]", reader: ProgressReader, output: Path | None) -> None:
        await watch(await started, lambda: reader.advance, output, self._stall_seconds)


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


@contextlib.contextmanager
def nothing_left_without_success(target: Path) -> Iterator[None]:
    """Remove the file where the block fails."""
    try:
        yield
    except BaseException:
        target.unlink(missing_ok=True)
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
