"""What hostile files cost, and what their sandbox does: ``python -m tests.figures.media``."""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from media.ffmpeg import Bounds, Ffmpeg
from media.programs import Programs, find_programs
from media.sandbox import Access, Layer, Sandbox, fault_of, find_sandbox
from tests.fixtures.clips import Clips
from tests.hostile.crafted import CRAFTED, Lure, a_picture_that_grows, good_file
from tests.hostile.ending import BOUNDS, ending_of

_STARTS: Final = 60
_NO_PORT: Final = 9
_CRAFTS: Final = {craft.__name__: craft for craft in CRAFTED}


async def end_one(craft: str, *, bounded: bool) -> str:
    """How a crafted file ends, in how long, and what the largest program took that read it."""
    programs = await find_programs(None, None)
    around = await find_sandbox("auto", (programs.ffmpeg, programs.ffprobe))
    ffmpeg = Ffmpeg(programs, sandbox=around, bounds=BOUNDS if bounded else Bounds())
    with tempfile.TemporaryDirectory(prefix="rushes-figures-") as name:
        folder = Path(name)
        clips = Clips(ffmpeg.ffmpeg_path, folder)
        source = _CRAFTS[craft](clips, folder, Lure(good_file(clips, folder, ".mp4"), _NO_PORT))
        size, began = source.stat().st_size, time.monotonic()
        # What drew the file was a child as well: a small one.
        ending = await ending_of(ffmpeg, source, folder)
    mebibytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return f"{ending}, {time.monotonic() - began:.1f} s, {mebibytes:.0f} MiB; a file of {size} bytes"


async def tell_files() -> None:
    """Each in a process of its own, as its largest child is what is asked for."""
    kinds = [(name, True) for name in _CRAFTS] + [(a_picture_that_grows.__name__, False)]
    for craft, bounded in kinds:
        options = () if bounded else ("--unbounded",)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.figures.media", "--craft", craft, *options), stdout=asyncio.subprocess.PIPE
        )
        told, _ = await process.communicate()
        name = craft if bounded else f"{craft}, without -max_pixels and a limit on memory"
        print(f"{name}: {told.decode().strip()}", flush=True)  # noqa: T201


async def tell_sandboxes() -> None:
    """The best of many starts of ffprobe: bare, and within each layer that works here."""
    programs = await find_programs(None, None)
    print(f"a start of ffprobe, bare: {await _best(programs, None):.1f} ms")  # noqa: T201
    for layer in (Layer.LIMITS, Layer.LANDLOCK, Layer.BUBBLEWRAP):
        fault = await fault_of(Sandbox(layer), (programs.ffmpeg, programs.ffprobe))
        told = f"{await _best(programs, Sandbox(layer)):.1f} ms" if fault is None else f"does not work here: {fault}"
        print(f"a start of ffprobe, {layer}: {told}", flush=True)  # noqa: T201


async def _best(programs: Programs, sandbox: Sandbox | None) -> float:
    command, access = [str(programs.ffprobe), "-version"], Access(reads=(programs.ffprobe,))
    taken = []
    for _ in range(_STARTS):
        began = time.monotonic()
        if sandbox is None:
            bare = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
            await bare.wait()
        else:
            await sandbox.run(command, access)
        taken.append(time.monotonic() - began)
    return min(taken) * 1000


def main() -> None:
    """Print all, or one file's."""
    parser = argparse.ArgumentParser(prog="tests.figures.media", description=__doc__)
    parser.add_argument("--craft", choices=_CRAFTS, help="one file alone")
    parser.add_argument("--unbounded", action="store_true", help="without -max_pixels and a limit on memory")
    said = parser.parse_args()
    if said.craft is not None:
        print(asyncio.run(end_one(said.craft, bounded=not said.unbounded)))  # noqa: T201
        return
    asyncio.run(tell_sandboxes())
    asyncio.run(tell_files())


if __name__ == "__main__":
    main()
