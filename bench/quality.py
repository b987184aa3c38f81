"""How like two videos are: the same picture, or by how much not."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.errors import NotMeasured
from bench.tools import judging_ffmpeg, run

_EXACT: Final = ("-f", "streamhash", "-hash", "murmur3", "-")


@dataclass(frozen=True)
class Likeness:
    """An output against its source, the mean over all frames, at the depth of the source.

    Attributes:
        vmaf: 0 to 100; six points are about what a person notices.
        ssim: 0 to 1.
    """

    vmaf: float
    ssim: float


async def pictures_hash(ffmpeg: Path, file: Path) -> str:
    """A hash of every decoded frame: two files with the same one show the same."""
    decode = ["-map", "0:v:0", "-fps_mode", "passthrough", "-c:v", "rawvideo"]
    return (await run([str(ffmpeg), "-v", "error", "-nostdin", "-i", str(file), *decode, *_EXACT])).out.strip()


async def packets_hash(ffmpeg: Path, file: Path) -> str:
    """A hash of the picture's packets as they are stored; much faster, and equal only if nothing was encoded again."""
    keep = ["-map", "0:v:0", "-c", "copy"]
    return (await run([str(ffmpeg), "-v", "error", "-nostdin", "-i", str(file), *keep, *_EXACT])).out.strip()


def likeness_command(ffmpeg: Path, output: Path, source: Path, log: Path, threads: int) -> list[str]:
    """Compare both at ten bits, frame by frame from their first, and write libvmaf's JSON to ``log``."""
    shape = "format=yuv420p10le,settb=AVTB,setpts=PTS-STARTPTS"
    judge = f"libvmaf=log_fmt=json:log_path={log}:n_threads={threads}:feature=name=float_ssim"
    graph = f"[0:v:0]{shape}[is];[1:v:0]{shape}[was];[is][was]{judge}"
    inputs = ["-i", str(output), "-i", str(source)]
    return [str(ffmpeg), "-v", "error", "-nostdin", *inputs, "-lavfi", graph, "-f", "null", "-"]


async def likeness(output: Path, source: Path, threads: int) -> Likeness:
    """Judge an output.

    Raises:
        NotMeasured: There is no ffmpeg with libvmaf, or the two can't be compared.
    """
    ffmpeg = judging_ffmpeg()
    if ffmpeg is None:
        raise NotMeasured("imageio-ffmpeg, whose ffmpeg has libvmaf, is not installed.")
    with tempfile.TemporaryDirectory(prefix="rushes-bench-") as folder:
        log = Path(folder) / "vmaf.json"
        await run(likeness_command(ffmpeg, output, source, log, threads))
        pooled = json.loads(log.read_bytes())["pooled_metrics"]
    return Likeness(pooled["vmaf"]["mean"], pooled["float_ssim"]["mean"])
