"""When things are seen and heard, in seconds as a player shows them."""

import re
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from media.ffmpeg import Ffmpeg
from media.validate import probe
from tests.media.judges.decoding import raw, told

_SAMPLES_A_SECOND: Final = 8_000
_SAMPLES_A_STEP: Final = 8
_QUIET_SECONDS: Final = 0.05
"""A beep begins where it was quiet for this long; within a beep each of its waves is quiet too."""
_LEAST_LOUDNESS: Final = 1_000
"""Of 32767: what is heard as a beep at all."""
_LEAST_CONTRAST: Final = 60
_PAIRED_WITHIN_SECONDS: Final = 0.3
_FRAME: Final = re.compile(r"pts_time:(\S+)\s+lavfi\.signalstats\.YAVG=(\S+)")


@dataclass(frozen=True)
class Frame:
    """A frame's time, and the luma in its middle, 0 to 255."""

    seconds: float
    luma: float


async def frames(ffmpeg: Ffmpeg, path: Path, *, within: tuple[float, float] | None = None) -> list[Frame]:
    """Every frame that is shown, in order; or those about a part of the file, in seconds, and few others."""
    seek = () if within is None else ("-ss", str(within[0]), "-t", str(within[1] - within[0]))
    middle = "format=yuv420p,crop=iw/8:ih/8,signalstats,metadata=mode=print:key=lavfi.signalstats.YAVG:file=-"
    printed = await told(
        ffmpeg,
        *("-copyts", *seek, "-i", f"file:{path}", "-map", "0:v:0", "-vf", middle),
        *("-fps_mode", "passthrough", "-f", "null", "/dev/null"),
    )
    return [Frame(float(seconds), float(luma)) for seconds, luma in _FRAME.findall(printed)]


async def frame_times(ffmpeg: Ffmpeg, path: Path, *, within: tuple[float, float] | None = None) -> list[float]:
    """When each frame is shown; or those about a part of the file, in seconds, and few others."""
    return [frame.seconds for frame in await frames(ffmpeg, path, within=within)]


async def frame_count(ffmpeg: Ffmpeg, path: Path) -> int:
    """How many frames can be decoded."""
    return len(await frames(ffmpeg, path))


async def flashes(ffmpeg: Ffmpeg, path: Path) -> list[float]:
    """When the card begins to flash: the times of the first bright frame after dark ones."""
    shown = await frames(ffmpeg, path)
    brightest, darkest = max(frame.luma for frame in shown), min(frame.luma for frame in shown)
    if brightest - darkest < _LEAST_CONTRAST:
        return []
    bright = [frame.luma > (brightest + darkest) / 2 for frame in shown]
    before = [False, *bright]
    return [frame.seconds for frame, now, then in zip(shown, bright, before, strict=False) if now and not then]


async def beeps(ffmpeg: Ffmpeg, path: Path) -> list[float]:
    """When a beep begins, to a millisecond or two; empty for a silent file or silent sound."""
    if not (await probe(ffmpeg, path)).audio:
        return []
    samples = await _samples(ffmpeg, path)
    loudest = max(samples, default=0)
    if loudest < _LEAST_LOUDNESS:
        return []
    begins, quiet_steps, enough = [], 1_000, _QUIET_SECONDS * _SAMPLES_A_SECOND / _SAMPLES_A_STEP
    for start in range(0, len(samples), _SAMPLES_A_STEP):
        if max(samples[start : start + _SAMPLES_A_STEP]) < loudest / 3:
            quiet_steps += 1
            continue
        if quiet_steps >= enough:
            begins.append(start / _SAMPLES_A_SECOND)
        quiet_steps = 0
    return begins


async def beeps_and_flashes(ffmpeg: Ffmpeg, path: Path) -> list[tuple[float, float]]:
    """Each flash with the beep that is nearest to it, as (flash, beep); a flash without a beep is left out."""
    heard = await beeps(ffmpeg, path)
    pairs = [(seen, min(heard, key=lambda beep: abs(beep - seen))) for seen in await flashes(ffmpeg, path) if heard]
    return [(flash, beep) for flash, beep in pairs if abs(flash - beep) < _PAIRED_WITHIN_SECONDS]


async def _samples(ffmpeg: Ffmpeg, path: Path) -> "array[int]":
    """The sound from 0 on, gaps as silence."""
    placed = "aresample=async=1:first_pts=0,aformat=channel_layouts=mono:sample_fmts=s16"
    sound = ("-copyts", "-i", f"file:{path}", "-map", "0:a:0", "-af", placed, "-ar", str(_SAMPLES_A_SECOND))
    return array("h", await raw(ffmpeg, *sound, muxer="s16le"))
