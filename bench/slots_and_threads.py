"""How many encodes at once, with how many threads each: what ``configuration/work.py`` goes by.

python bench/slots_and_threads.py    on a machine that does nothing else
"""

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.tools import processor_seconds
from media.encode import encode_chunk
from media.ffmpeg import Ffmpeg
from media.limits import MediaLimits
from media.plan import TranscodePlan
from media.planning import plan
from media.process import run_process
from media.profile import load_profiles
from media.validate import validate

_LIMITS: Final = MediaLimits(
    max_duration_seconds=600, max_pixels=3840 * 2160, max_encoded_pixels=10**12, max_frame_rate=1000
)
_LONG_SECONDS: Final = 12
_SHORT_SECONDS: Final = 2
_SHORT_CLIPS: Final = 6
_SLOTS: Final = (1, 2, 3)
_THREADS: Final = (None, 1, 2)


async def _planned(ffmpeg: Ffmpeg, target: Path, seconds: int) -> TranscodePlan:
    """Draw a zoom with grain, in 1080p with a keyframe every two seconds, and plan to encode it."""
    source = f"mandelbrot=size=1920x1080:rate=30:end_scale=0.02:end_pts={30 * seconds},noise=alls=6:allf=t"
    command = [str(ffmpeg.ffmpeg_path), "-v", "error", "-nostdin", "-f", "lavfi", "-i", f"{source},format=yuv420p"]
    encoder = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-g", "60", "-y", str(target)]
    result = await run_process([*command, "-t", str(seconds), *encoder])
    if result.return_code != 0:
        raise SystemExit(f"The clip could not be drawn: {result.stderr_tail}")
    decided = plan(await validate(ffmpeg, target, _LIMITS), load_profiles()["web"])
    return decided.encoding_what_was_copied()


async def _encode(
    ffmpeg: Ffmpeg, decided: TranscodePlan, source: Path, folder: Path, *, times: int, slots: int
) -> float:
    """Encode every chunk of the clip so often, so many at once; return how long that took in seconds."""
    turn = asyncio.Semaphore(slots)

    async def encode(number: int, name: str) -> None:
        chunk = decided.chunks[number]
        async with turn:
            origin = decided.origin_seconds
            target = folder / name
            await encode_chunk(
                ffmpeg, decided.picture, chunk, source, target, origin_seconds=origin, on_progress=lambda _: None
            )

    begun = time.monotonic()
    jobs = [(number, f"{time_}-{number}.mp4") for time_ in range(times) for number in range(len(decided.chunks))]
    await asyncio.gather(*(encode(number, name) for number, name in jobs))
    return time.monotonic() - begun


async def main() -> None:
    """Print a line for each number of slots and threads."""
    found = await Ffmpeg.locate()
    table = Table(
        *("slots", "threads", f"one of {_LONG_SECONDS} s", f"{_SHORT_CLIPS} of {_SHORT_SECONDS} s", "processor time"),
        title=f"{os.cpu_count()} cores, ffmpeg {found.version}, 1920x1080",
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        long, short = folder / "long.mp4", folder / "short.mp4"
        plans = [await _planned(found, long, _LONG_SECONDS), await _planned(found, short, _SHORT_SECONDS)]
        for slots in _SLOTS:
            for threads in _THREADS:
                ffmpeg = await Ffmpeg.locate(encoder_threads=threads)
                before = processor_seconds()
                of_long = await _encode(ffmpeg, plans[0], long, folder, times=1, slots=slots)
                of_short = await _encode(ffmpeg, plans[1], short, folder, times=_SHORT_CLIPS, slots=slots)
                used = processor_seconds() - before
                row = (
                    str(slots),
                    str(threads or "x264's own"),
                    f"{of_long:.1f} s",
                    f"{of_short:.1f} s",
                    f"{used:.0f} s",
                )
                table.add_row(*row)
                Console(stderr=True).print(*row)
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main())
