"""How loud a sound is, as EBU R 128 measures it."""

import re
from dataclasses import dataclass
from pathlib import Path

from media.ffmpeg import Ffmpeg
from media.process import run_process


@dataclass(frozen=True)
class Loudness:
    """What was measured over the whole sound.

    Attributes:
        integrated_lufs: Loudness, as a listener would set the volume by it.
        true_peak_dbtp: The highest peak, also between two samples.
    """

    integrated_lufs: float
    true_peak_dbtp: float


async def loudness(ffmpeg: Ffmpeg, path: Path) -> Loudness:
    """Measure the first sound track."""
    measured = ["-i", f"file:{path}", "-map", "0:a:0", "-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-"]
    result = await run_process([str(ffmpeg.ffmpeg_path), "-hide_banner", "-nostats", "-nostdin", *measured])
    assert result.return_code == 0, result.stderr_tail
    summary = result.stderr_tail.rpartition("Summary:")[2]
    found = dict(re.findall(r"(I|Peak): +(\S+) (?:LUFS|dBFS)", summary))
    return Loudness(float(found["I"]), float(found["Peak"]))
