"""What can be seen in a decoded frame."""

from dataclasses import dataclass
from pathlib import Path

from media.ffmpeg import Ffmpeg
from media.process import run_process


@dataclass(frozen=True)
class GreyFrame:
    """The luma of one frame, as stored, a byte a pixel."""

    luma: bytes
    width: int

    def mean_of_rows(self, first: int, end: int) -> float:
        rows = self.luma[first * self.width : end * self.width]
        return sum(rows) / len(rows)


async def grey_frame(ffmpeg: Ffmpeg, path: Path, *, width: int, height: int) -> GreyFrame:
    """Decode the first frame of a yuv420p file."""
    raw = path.with_suffix(".yuv")
    decode = [str(ffmpeg.ffmpeg_path), "-v", "error", "-nostdin", "-y", "-i", str(path), "-frames:v", "1"]
    result = await run_process([*decode, "-f", "rawvideo", f"file:{raw}"])
    assert result.return_code == 0, result.stderr_tail
    return GreyFrame(raw.read_bytes()[: width * height], width)
