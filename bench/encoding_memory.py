"""How much memory an encode takes, by the size of its picture and the preset, beside what a plan estimates.

``python -m bench.encoding_memory``; the numbers in ``media/planning.py`` are fitted to what it prints.
"""

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from media.encode_commands import encode_chunk_command
from media.ffmpeg import Ffmpeg
from media.limits import MediaLimits
from media.planning import plan
from media.process import run_process
from media.profile import load_profiles
from media.validate import validate

_SIZES: Final = ("1280x720", "1920x1080", "3840x2160", "7680x4320")
_PROFILES: Final = ("web", "archive")
_FRAMES: Final = 75
"""More than the slowest preset looks ahead."""


async def measure(ffmpeg: Ffmpeg, folder: Path, size: str, profile_name: str) -> tuple[int, int]:
    """Encode a clip of that size as the profile says; return estimated and measured peak bytes."""
    source = folder / f"{size}.mp4"
    if not source.exists():
        card = f"testsrc2=size={size}:rate=30:duration={_FRAMES / 30}"
        draw = [str(ffmpeg.ffmpeg_path), "-v", "error", "-f", "lavfi", "-i", card, "-c:v", "libx264"]
        drawn = await run_process([*draw, "-preset", "ultrafast", "-pix_fmt", "yuv420p", f"file:{source}"])
        if drawn.return_code != 0:
            raise SystemExit(f"The clip could not be drawn: {drawn.stderr_tail}")
    profile = load_profiles()[profile_name].model_copy(update={"max_short_side": 8192, "max_level": 6.2})
    limits = MediaLimits(
        max_duration_seconds=60, max_pixels=8192 * 8192, max_encoded_pixels=10**13, max_frame_rate=1000
    )
    made = plan(await validate(ffmpeg, source, limits), profile)
    encoded = made.encoding_what_was_copied()
    (chunk,) = encoded.chunks
    command = encode_chunk_command(
        ffmpeg.ffmpeg_path, encoded.picture, chunk, source, folder / "out.mp4", origin_seconds=made.origin_seconds
    )
    return made.memory_bytes, await asyncio.to_thread(_peak_bytes, command)


def _peak_bytes(command: list[str]) -> int:
    child = os.posix_spawn(
        command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
    )
    _, status, usage = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit("ffmpeg failed, perhaps for lack of memory.")
    return usage.ru_maxrss * 1024


async def main() -> None:
    """Measure every size with every profile and print a table."""
    ffmpeg = await Ffmpeg.locate()
    table = Table("picture", "profile", "estimated", "measured")
    with tempfile.TemporaryDirectory() as folder:
        for size in _SIZES:
            for profile in _PROFILES:
                estimated, measured = await measure(ffmpeg, Path(folder), size, profile)
                table.add_row(size, profile, f"{estimated / 1e6:.0f} MB", f"{measured / 1e6:.0f} MB")
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main())
