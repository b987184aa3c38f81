"""What a preset and a rate factor cost and give: the numbers behind docs/decisions/0003-encoding-profile.md.

python bench/encoding.py [CLIP…]    measures these clips, or one that it draws itself
"""

import asyncio
import re
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.tools import processor_seconds
from media.encode_commands import encode_chunk_command, exact_rate
from media.ffmpeg import Ffmpeg
from media.limits import MediaLimits
from media.plan import Chunk, TranscodePlan
from media.planning import plan
from media.process import run_process
from media.profile import load_profiles
from media.validate import validate

LIMITS: Final = MediaLimits(
    max_duration_seconds=600, max_pixels=3840 * 2160, max_encoded_pixels=10**12, max_frame_rate=1000
)
CANDIDATES: Final = (
    ("veryfast", 23),
    ("faster", 23),
    ("fast", 20),
    ("fast", 23),
    ("fast", 26),
    ("medium", 23),
    ("slow", 23),
)


@dataclass(frozen=True)
class Measurement:
    """One clip, encoded in one way.

    Attributes:
        seconds: Processor time of the encoding; unlike the clock's, it hardly minds what else the machine does.
        size_bytes: Of the output.
        likeness: SSIM with the source in decibels; half a decibel is about what an eye notices side by side.
    """

    seconds: float
    size_bytes: int
    likeness: float


async def _draw(ffmpeg: Ffmpeg, target: Path) -> None:
    """A zoom with grain, which is hard to encode, as a camera's picture is."""
    source = "mandelbrot=size=1280x720:rate=30:end_scale=0.02:end_pts=150,noise=alls=8:allf=t,format=yuv420p"
    command = [str(ffmpeg.ffmpeg_path), "-v", "error", "-nostdin", "-f", "lavfi", "-i", source, "-t", "5"]
    await run_process([*command, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-y", str(target)])


async def _plan(ffmpeg: Ffmpeg, clip: Path) -> TranscodePlan:
    return plan(await validate(ffmpeg, clip, LIMITS), load_profiles()["web"])


async def _measure(ffmpeg: Ffmpeg, plan: TranscodePlan, source: Path, target: Path) -> Measurement:
    """Encode the picture in one piece, whether or not it could be copied."""
    frames = plan.picture.encoding.frames
    whole = Chunk(number=1, of=1, first_frame=0, frames=frames)
    command = encode_chunk_command(
        ffmpeg.ffmpeg_path, plan.picture, whole, source, target, origin_seconds=plan.origin_seconds
    )
    before = processor_seconds()
    result = await run_process(command)
    seconds = processor_seconds() - before
    if result.return_code != 0:
        raise SystemExit(result.stderr_tail)
    size_bytes = target.stat().st_size  # noqa: ASYNC240  nothing else runs on this loop
    return Measurement(seconds, size_bytes, await _likeness(ffmpeg, plan, source, target))


def _with(plan: TranscodePlan, preset: str, crf: int) -> TranscodePlan:
    encoding = replace(plan.picture.encoding, preset=preset, crf=crf)
    return replace(plan, picture=replace(plan.picture, encoding=encoding))


async def _likeness(ffmpeg: Ffmpeg, plan: TranscodePlan, source: Path, target: Path) -> float:
    picture, rate = plan.picture, exact_rate(plan.picture.encoding.frame_rate)
    shape = f"fps={rate},scale={picture.width}:{picture.height}:out_range=tv,format=yuv420p"
    shape += ",settb=AVTB,setpts=PTS-STARTPTS"
    graph = f"[0:{picture.index}]{shape}[was];[1:0]{shape}[is];[was][is]ssim"
    command = [str(ffmpeg.ffmpeg_path), "-hide_banner", "-nostats", "-nostdin", "-i", str(source), "-i", str(target)]
    result = await run_process([*command, "-lavfi", graph, "-f", "null", "-"])
    found = re.search(r"All:\S+ \((\S+)\)", result.stderr_tail)
    if found is None:
        raise SystemExit(result.stderr_tail)
    return float(found[1])


async def main(clips: list[Path]) -> None:
    """Print a line for each candidate: time and size over all clips, and the mean likeness."""
    ffmpeg = await Ffmpeg.locate()
    table = Table("preset", "crf", "processor time", "size", "SSIM", title=f"ffmpeg {ffmpeg.version}")
    with tempfile.TemporaryDirectory() as folder:
        if not clips:
            clips = [Path(folder) / "drawn.mp4"]
            await _draw(ffmpeg, clips[0])
        plans = [(clip, await _plan(ffmpeg, clip)) for clip in clips]
        for preset, crf in CANDIDATES:
            measured = [
                await _measure(ffmpeg, _with(planned, preset, crf), clip, Path(folder) / "output.mp4")
                for clip, planned in plans
            ]
            seconds, size = sum(one.seconds for one in measured), sum(one.size_bytes for one in measured)
            likeness = sum(one.likeness for one in measured) / len(measured)
            table.add_row(preset, str(crf), f"{seconds:.1f} s", f"{size / 1000:.0f} kB", f"{likeness:.2f} dB")
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main([Path(name) for name in sys.argv[1:]]))
