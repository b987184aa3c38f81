"""Command lines of ffmpeg and ffprobe, from plans. Pure: building one is here, running it is ``media.process``.

Every input is opened by the same rules, because an upload is hostile until shown otherwise: it is named as a file
whatever it looks like, it may open no other file or address, and only containers that carry their own bytes are read.
A playlist or a concat script, whatever its extension, is refused by ffmpeg itself.
"""

from fractions import Fraction
from pathlib import Path
from typing import Final

from media.model import ThumbnailPlan, TranscodePlan
from media.probe import PROBE_ENTRIES

INPUT_FORMATS: Final = ("mov", "matroska", "webm", "avi", "mpegts", "mpeg", "flv", "asf", "ogg")
"""Demuxers that can't be made to read another file."""

STATS_PERIOD_SECONDS: Final = 0.5
"""How often ffmpeg tells its progress."""

_FIRST_FRAME_WITHIN_SECONDS: Final = 60
_PICTURE_FORMAT: Final = "jpeg_pipe"
_JPEG_QUALITY: Final = 3


def probe_command(ffprobe: Path, source: Path) -> list[str]:
    """Print what ``media.probe.parse_probe`` reads."""
    return [*_quiet(ffprobe), *_guarded(INPUT_FORMATS), "-show_entries", PROBE_ENTRIES, "-of", "json", *_file(source)]


def probe_picture_command(ffprobe: Path, source: Path) -> list[str]:
    """The same for a JPEG."""
    guard = ["-f", _PICTURE_FORMAT, *_guarded((_PICTURE_FORMAT,))]
    return [*_quiet(ffprobe), *guard, "-show_entries", PROBE_ENTRIES, "-of", "json", *_file(source)]


def decode_frame_command(ffmpeg: Path, source: Path, video_index: int) -> list[str]:
    """Decode the first frame that can be decoded and throw it away; stop looking after a minute of video."""
    return [
        *_quiet_with_progress(ffmpeg),
        *["-t", str(_FIRST_FRAME_WITHIN_SECONDS), *_input(source)],
        *["-map", f"0:{video_index}", "-frames:v", "1", "-f", "null", "-"],
    ]


def decode_command(ffmpeg: Path, source: Path) -> list[str]:
    """Decode the whole file and throw it away; the first damaged packet is an error."""
    return [
        *_quiet_with_progress(ffmpeg),
        *["-xerror", "-err_detect", "explode", *_input(source)],
        *["-map", "0", "-f", "null", "-"],
    ]


def transcode_command(ffmpeg: Path, plan: TranscodePlan, source: Path, target: Path) -> list[str]:
    """Make the plan's MP4. Nothing of the source's metadata goes along: a phone writes its owner's position there."""
    sound = ["-map", f"0:{plan.audio_index}"] if plan.audio_index is not None else []
    return [
        *_quiet_with_progress(ffmpeg),
        *_input(source),
        *["-map", f"0:{plan.video_index}", *sound],
        *["-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn"],
        *[
            "-vf",
            f"fps={_fraction(plan.frame_rate)},{_picture_filter(plan.width, plan.height, 'tv', plan.pixel_format)}",
        ],
        *["-c:v", plan.video_encoder, "-profile:v", plan.video_profile],
        *["-preset", plan.preset, "-crf", str(plan.crf)],
        *["-force_key_frames", f"expr:gte(t,n_forced*{plan.gop_seconds:g})"],
        *(_audio_encoding(plan) if sound else []),
        *(["-t", f"{plan.longest_seconds:.3f}"] if plan.longest_seconds is not None else []),
        # The format by name, because the target is called .part until it is whole.
        *["-movflags", "+faststart", "-f", "mp4", "-y", *_file(target)],
    ]


def thumbnail_command(
    ffmpeg: Path, plan: ThumbnailPlan, source: Path, target: Path, at_seconds: float | None
) -> list[str]:
    """Write one frame as a JPEG: the first at or after ``at_seconds``, or the very first for None."""
    seek = ["-ss", f"{at_seconds:g}"] if at_seconds is not None else []
    # JPEG is full range BT.601 by definition, whatever the video was.
    picture = _picture_filter(plan.width, plan.height, "pc:out_color_matrix=bt601", "yuv420p")
    return [
        *_quiet(ffmpeg),
        *["-nostdin", "-nostats", *seek, *_input(source)],
        *["-map", f"0:{plan.video_index}", "-map_metadata", "-1", "-frames:v", "1"],
        *["-vf", f"{picture},sidedata=mode=delete"],
        *["-c:v", "mjpeg", "-q:v", str(_JPEG_QUALITY), "-f", "mjpeg", "-y", *_file(target)],
    ]


def _picture_filter(width: int, height: int, color_range: str, pixel_format: str) -> str:
    """The picture is upright before this, ffmpeg has turned it; the size is the plan's, so pixels come out square."""
    return f"scale={width}:{height}:out_range={color_range},format={pixel_format},setsar=1"


def _fraction(rate: float) -> str:
    """Exact for the rates of NTSC: 29.97 is 30000/1001."""
    return str(Fraction(rate).limit_denominator(1001))


def _audio_encoding(plan: TranscodePlan) -> list[str]:
    return [
        *["-c:a", plan.audio_encoder, "-b:a", str(plan.audio_bit_rate)],
        *["-ac", str(plan.audio_channels), "-ar", str(plan.audio_sample_rate_hertz)],
    ]


def _quiet(program: Path) -> list[str]:
    return [str(program), "-hide_banner", "-loglevel", "error"]


def _quiet_with_progress(ffmpeg: Path) -> list[str]:
    progress = ["-nostats", "-stats_period", f"{STATS_PERIOD_SECONDS:g}", "-progress", "pipe:1"]
    return [*_quiet(ffmpeg), "-nostdin", *progress]


def _guarded(formats: tuple[str, ...]) -> list[str]:
    return ["-protocol_whitelist", "file", "-format_whitelist", ",".join(formats)]


def _input(source: Path) -> list[str]:
    return [*_guarded(INPUT_FORMATS), "-i", *_file(source)]


def _file(path: Path) -> list[str]:
    return [f"file:{path}"]
