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
from tests.fixtures.recipes.drawing import H264
from tests.hostile.crafted import CRAFTED, Lure, good_file
from tests.hostile.ending import BOUNDS, ending_of

_STARTS: Final = 60
_NO_PORT: Final = 9


async def end_one(source: Path, *, bounded: bool) -> str:
    """How a file ends, in how long, and what the largest program took that read it."""
    programs = await find_programs(None, None)
    around = await find_sandbox("auto", (programs.ffmpeg, programs.ffprobe))
    ffmpeg = Ffmpeg(programs, sandbox=around, bounds=BOUNDS if bounded else Bounds())
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rushes-figures-") as folder:
        ending = await ending_of(ffmpeg, source, Path(folder))
    mebibytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return f"{ending}, {time.monotonic() - began:.1f} s, {mebibytes:.0f} MiB"


def a_film_that_grows(clips: Clips, folder: Path) -> Path:
    """A second of 320x240, then two pictures of 16384x16000, as whole as the others."""
    parts = [folder / "small.h264", folder / "large.h264"]
    for part, size, frames in zip(parts, ("320x240", "16384x16000"), (10, 2), strict=True):
        picture = ("-f", "lavfi", "-i", f"color=green:size={size}:rate=10", "-frames:v", str(frames))
        clips.draw(part, *picture, *H264)
    both, grows = folder / "both.h264", folder / "grows.mkv"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    clips.draw(grows, "-r", "10", "-i", str(both), "-c", "copy")
    return grows


async def tell_files() -> None:
    """Each is read in a process of its own, as its largest child is what is asked for."""
    programs = await find_programs(None, None)
    with tempfile.TemporaryDirectory(prefix="rushes-figures-") as name:
        clips = Clips(programs.ffmpeg, Path(name))
        lure = Lure(good_file(clips, Path(name), ".mp4"), _NO_PORT)
        files = {craft.__name__: craft(clips, Path(name), lure) for craft in CRAFTED}
        files[a_film_that_grows.__name__] = a_film_that_grows(clips, Path(name))
        for craft, file in files.items():
            print(f"{craft}, {file.stat().st_size} bytes: {await _read(file)}", flush=True)  # noqa: T201
        grows = files[a_film_that_grows.__name__]
        print(f"the last, without -max_pixels and a limit on memory: {await _read(grows, '--unbounded')}")  # noqa: T201


async def _read(file: Path, *options: str) -> str:
    command = (sys.executable, "-m", "tests.figures.media", "--file", str(file), *options)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    return told.decode().strip()


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
    parser.add_argument("--file", type=Path, help="one file alone")
    parser.add_argument("--unbounded", action="store_true", help="without -max_pixels and a limit on memory")
    said = parser.parse_args()
    if said.file is not None:
        print(asyncio.run(end_one(said.file, bounded=not said.unbounded)))  # noqa: T201
        return
    asyncio.run(tell_sandboxes())
    asyncio.run(tell_files())


if __name__ == "__main__":
    main()
