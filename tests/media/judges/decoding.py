"""Running ffmpeg and ffprobe on a file that is judged."""

import tempfile
from pathlib import Path

from media.ffmpeg import Ffmpeg
from media.process import run_process


async def told(ffmpeg: Ffmpeg, *arguments: str) -> str:
    """What ffmpeg prints on stdout; nothing is written."""
    result = await run_process([str(ffmpeg.ffmpeg_path), "-v", "error", "-nostdin", *arguments])
    assert result.return_code == 0, result.stderr_tail
    return result.stdout


async def raw(ffmpeg: Ffmpeg, *arguments: str, muxer: str) -> bytes:
    """The bytes of raw pictures or sound that ffmpeg makes with these arguments."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "raw"
        await told(ffmpeg, *arguments, "-f", muxer, "-y", f"file:{target}")
        return target.read_bytes()


async def probed(ffmpeg: Ffmpeg, path: Path, stream: str, *entries: str) -> list[str]:
    """The values of these entries of one stream, by ffprobe; "unknown" where it has none."""
    show = ["-select_streams", stream, "-show_entries", f"stream={','.join(entries)}", "-of", "default=nw=1"]
    result = await run_process([str(ffmpeg.ffprobe_path), "-v", "error", *show, f"file:{path}"])
    assert result.return_code == 0, result.stderr_tail
    values = dict(line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)
    return [values.get(entry, "unknown") for entry in entries]
