"""(b) A video that must be encoded: time, and what the picture is like, against ffmpeg alone."""

from pathlib import Path
from typing import Final

from bench.aims import ANSWER_TO_READY, FFMPEG
from bench.cases.model import Case, Gathered, with_each
from bench.client import Client
from bench.clips import Clip, Kind
from bench.errors import NotMeasured
from bench.ground import Ground
from bench.machine import this_machine
from bench.quality import likeness
from bench.result import Skipped
from bench.scale import MEGABYTE
from bench.systems.model import System
from bench.tools import run

_POLL_SECONDS: Final = 0.1


def bare_command(ffmpeg: Path, source: Path, target: Path) -> list[str]:
    """What a person would type for an output like the one that the profile ``web`` publishes."""
    return [
        *[str(ffmpeg), "-v", "error", "-nostdin", "-y", "-i", str(source)],
        *["-c:v", "libx264", "-profile:v", "high", "-preset", "fast", "-crf", "23", "-pix_fmt", "yuv420p"],
        *["-maxrate", "20M", "-bufsize", "40M", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0"],
        *["-flags", "+cgop", "-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart", str(target)],
    ]


async def _run(ground: Ground, gathered: Gathered) -> None:
    scale = ground.scale
    file = await ground.clips.drawn(Clip("encoded", Kind.TEN_BIT, scale.encode_seconds, 1920, 1080, 20))
    gathered.conditions += [
        f"{scale.encode_seconds} s, 1920x1080, 20 Mbit/s, H.264 High 10 and AAC.",
        "Bare ffmpeg: one process, the settings of the published output (x264 `fast`, crf 23, at most 20 Mbit/s, High, "
        "AAC 128 kbit/s); no check and no thumbnail.",
        "celery and naive use x264's defaults as the old system did: `medium`, crf 23, and ten bits, which few "
        "browsers play.",
        "The api is asked every 100 ms. VMAF and SSIM are of the last round's output against the source, at ten bits.",
    ]
    await _bare(ground, gathered, file)

    async def measure(system: System, client: Client) -> None:
        passed = [await client.pass_through(file, _POLL_SECONDS) for _ in range(scale.encode_rounds)]
        gathered.add(system.name, ANSWER_TO_READY, "s", [one.ready_seconds for one in passed])
        await _judge(gathered, system.name, system.published(passed[-1].video_id), file)

    await with_each(ground, gathered, measure)


async def _bare(ground: Ground, gathered: Gathered, file: Path) -> None:
    ground.say(f"  {FFMPEG}")
    target = ground.folder / "bare.mp4"
    command = bare_command(ground.ffmpeg.ffmpeg_path, file, target)
    times = [(await run(command)).seconds for _ in range(ground.scale.encode_rounds)]
    gathered.add(FFMPEG, ANSWER_TO_READY, "s", times)
    await _judge(gathered, FFMPEG, target, file)


async def _judge(gathered: Gathered, system: str, output: Path, source: Path) -> None:
    gathered.add(system, "size", "MB", [output.stat().st_size / MEGABYTE])  # noqa: ASYNC240  nothing else runs
    try:
        found = await likeness(output, source, this_machine().cores)
    except NotMeasured as error:
        gathered.skipped.append(Skipped(system, f"VMAF and SSIM: {error}"))
        return
    gathered.add(system, "VMAF", "", [found.vmaf])
    gathered.add(system, "SSIM", "", [found.ssim])


ENCODED: Final = (Case("b", "1080p in ten bits, which must be encoded", _run),)
