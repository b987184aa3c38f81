"""The still picture that stands for a video: never a black one where there is another."""

import struct
from pathlib import Path
from typing import Final

from contracts.errors import OutputMismatch, TranscodeFailed
from media.colour_filters import colour_filters
from media.commands import as_file, quiet, source_input
from media.ffmpeg import Ffmpeg, nothing_left_without_success, raise_if_failed, raise_if_killed
from media.plan import ThumbnailPlan
from media.sandbox import Access
from threads.files import off_loop

_JPEG_QUALITY: Final = 3
_MOST_JPEG_BYTES: Final = 256 * 1024 * 1024
_JPEG_START: Final = b"\xff\xd8\xff"
_JPEG_END: Final = b"\xff\xd9"
_MARKER: Final = 0xFF
_FRAME_HEADERS: Final = frozenset((0xC0, 0xC1, 0xC2))
"""Baseline, extended and progressive."""

_BLACK: Final = 24.0
"""Mean luma of 8 bits, of which video black is 16, up to which a frame counts as black."""
_TYPICAL_OF_KEYFRAMES: Final = 60
_BRIGHTNESS: Final = "lavfi.signalstats.YAVG"
_MEASURED: Final = (
    f"scale=64:64:out_range=tv,format=yuv420p,signalstats,metadata=mode=print:key={_BRIGHTNESS}:file=pipe\\\\:1"
)
"""Prints the mean brightness of each frame, below a line with its time."""
_TIME: Final = "pts_time:"
_MOST_KEYFRAMES: Final = 500
"""So many are looked at where all places are black: of most films a quarter of an hour, or more."""
_JUST_BEFORE_SECONDS: Final = 0.001


def thumbnail_command(
    ffmpeg: Path, plan: ThumbnailPlan, source: Path, target: Path, at_seconds: float | None
) -> list[str]:
    """Write one frame as a JPEG and print its mean brightness.

    Args:
        ffmpeg: The program.
        plan: What is wanted.
        source: The upload.
        target: The JPEG.
        at_seconds: The first frame at or after this; None for the most typical of the first keyframes.
    """
    chosen = ["-skip_frame", "nokey"] if at_seconds is None else ["-ss", f"{at_seconds:.3f}"]
    typical = f"thumbnail=n={_TYPICAL_OF_KEYFRAMES}," if at_seconds is None else ""
    # The colours of the video; then full range BT.601, as JPEG is by definition.
    as_video = colour_filters(plan.colours, plan.width, plan.height)
    as_jpeg = ["scale=out_range=pc:out_color_matrix=bt601", "format=yuvj420p", "setsar=1", "sidedata=mode=delete"]
    colours = ",".join([*as_video, *as_jpeg])
    graph = f"[0:{plan.video_index}]{typical}split[shown][measured];[shown]{colours}[jpeg];[measured]{_MEASURED}[grey]"
    return [
        *[*quiet(ffmpeg), "-nostdin", "-nostats", *chosen, *source_input(source), "-filter_complex", graph],
        *["-map", "[jpeg]", "-map_metadata", "-1", "-frames:v", "1"],
        *["-c:v", "mjpeg", "-q:v", str(_JPEG_QUALITY), "-f", "mjpeg", "-y", *as_file(target)],
        *["-map", "[grey]", "-frames:v", "1", "-f", "null", "-"],
    ]


def keyframes_command(ffmpeg: Path, plan: ThumbnailPlan, source: Path) -> list[str]:
    """Print time and mean brightness of the first keyframes."""
    return [
        *[*quiet(ffmpeg), "-nostdin", "-nostats", "-skip_frame", "nokey", *source_input(source)],
        *["-map", f"0:{plan.video_index}", "-vf", _MEASURED, "-frames:v", str(_MOST_KEYFRAMES)],
        *["-fps_mode", "passthrough", "-f", "null", "-"],
    ]


async def create_thumbnail(
    ffmpeg: Ffmpeg, plan: ThumbnailPlan, source: Path, target: Path, *, source_is_whole: bool = True
) -> bool:
    """Write the plan's JPEG to ``target`` and check it. Without success nothing is left there.

    Where the planned frame is black or can't be had, others are looked at in the plan's order, then the first
    keyframes, if all of the source is here; where all are black, the brightest is taken.

    Returns:
        Whether it is not black.

    Raises:
        OutputMismatch: What was written is not a whole JPEG of the planned size.
        TranscodeFailed: None of the frames could be drawn, or ffmpeg was killed.
        StorageFailed: There is no room for the output.
    """
    first = None if plan.representative else plan.at_seconds
    drawn: dict[float | None, float] = {}
    async with nothing_left_without_success(target):
        for at_seconds in (first, *plan.otherwise_seconds):
            brightness = await _draw(ffmpeg, plan, source, target, at_seconds)
            if brightness is None:
                continue
            drawn[at_seconds] = brightness
            if brightness > _BLACK:
                break
        else:
            if not drawn:
                raise TranscodeFailed("No picture of the video could be drawn, though one was decoded before.")
            if source_is_whole:
                drawn.update(await _keyframes(ffmpeg, plan, source))
            await _draw(ffmpeg, plan, source, target, max(drawn, key=lambda at: drawn[at]))
        await off_loop(_check, plan, target)
    return max(drawn.values()) > _BLACK


async def _keyframes(ffmpeg: Ffmpeg, plan: ThumbnailPlan, source: Path) -> dict[float | None, float]:
    """Times at which to draw, and the brightness there. What can't be decoded is passed over."""
    access = Access(reads=(source,), pixels=plan.most_pixels)
    result = await ffmpeg.read(keyframes_command(ffmpeg.ffmpeg_path, plan, source), access)
    raise_if_killed("ffmpeg", result)
    found: dict[float | None, float] = {}
    at_seconds = 0.0
    for line in result.stdout.splitlines():
        if _TIME in line:
            at_seconds = float(line.rpartition(_TIME)[2])
        elif line.startswith(_BRIGHTNESS):
            found[max(0.0, at_seconds - _JUST_BEFORE_SECONDS)] = float(line.partition("=")[2])
    return found


async def _draw(
    ffmpeg: Ffmpeg, plan: ThumbnailPlan, source: Path, target: Path, at_seconds: float | None
) -> float | None:
    """Draw the frame; return its mean brightness in video levels, or None where there is no such frame."""
    command = thumbnail_command(ffmpeg.ffmpeg_path, plan, source, target, at_seconds)
    access = Access((source,), (target,), file_bytes=_MOST_JPEG_BYTES, pixels=plan.most_pixels)
    result = await ffmpeg.read(command, access)
    raise_if_killed("ffmpeg", result)
    try:
        raise_if_failed(result)
    except TranscodeFailed:
        return None
    is_drawn = await off_loop(_is_there, target)
    value = next((line.partition("=")[2] for line in result.stdout.splitlines() if line.startswith(_BRIGHTNESS)), "")
    return float(value) if value and is_drawn else None


def _check(plan: ThumbnailPlan, target: Path) -> None:
    """A JPEG that is whole, of the planned size; ffmpeg has just drawn it, so that is all that can be wrong."""
    content = target.read_bytes()
    if not (content.startswith(_JPEG_START) and content.endswith(_JPEG_END)):
        raise OutputMismatch("The thumbnail is not a whole JPEG.")
    size = _jpeg_size(content)
    if size != (plan.width, plan.height):
        raise OutputMismatch(f"The thumbnail is of {size} pixels instead of {plan.width}x{plan.height}.")


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Width and height from the frame header (ITU-T T.81, B.2.2): a segment a marker, each with its length."""
    position = 2
    while position + 9 <= len(content) and content[position] == _MARKER:
        kind, length = content[position + 1], int.from_bytes(content[position + 2 : position + 4], "big")
        if kind in _FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", content, position + 5)
            return width, height
        position += 2 + length
    return None


def _is_there(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
