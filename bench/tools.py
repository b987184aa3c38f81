"""Programs that run to their end, and how long that took."""

import asyncio
import importlib.util
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.errors import NotMeasured
from embedded.programs import dies_with_us

_TAIL: Final = 1500


@dataclass(frozen=True)
class Ran:
    """A program that ended well.

    Attributes:
        seconds: By the clock.
        out: What it wrote to standard output.
    """

    seconds: float
    out: str


async def run(command: Sequence[str]) -> Ran:
    """Run a program to its end; however this is left, it is gone.

    Raises:
        NotMeasured: It can't be started, or ended with an error.
    """
    began = time.monotonic()
    try:
        process = await asyncio.create_subprocess_exec(
            *dies_with_us(tuple(command), "KILL"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise NotMeasured(f"{command[0]} can't be started: {error}.") from error
    try:
        out, err = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        said = err.decode(errors="replace")[-_TAIL:].strip()
        raise NotMeasured(f"{Path(command[0]).name} ended with {process.returncode}: {said}")
    return Ran(time.monotonic() - began, out.decode(errors="replace"))


def processor_seconds() -> float:
    """Processor time of all programs that this one has run and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def judging_ffmpeg() -> Path | None:
    """The ffmpeg of the package imageio-ffmpeg, which has libvmaf; None where it is not installed."""
    found = importlib.util.find_spec("imageio_ffmpeg")
    folders = list(found.submodule_search_locations or ()) if found is not None else []
    programs = (program for folder in folders for program in sorted(Path(folder, "binaries").glob("ffmpeg-*")))
    return next(programs, None)
