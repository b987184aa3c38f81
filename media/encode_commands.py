"""Command lines that encode: a chunk of the picture, and the sound. Pure.

Times are the source's own (``-copyts``), moved so that the output's clock begins at the plan's origin. That makes a
chunk see the same frames at the same times as an encode in one piece does.
"""

from fractions import Fraction
from pathlib import Path
from typing import Final

from media.colour_filters import colour_filters
from media.commands import as_file, quiet_with_progress, source_input
from media.plan import Chunk, PicturePlan, SoundPlan

_LOGLEVEL: Final = "repeat+warning"
"""Each damaged frame is a warning of its own; ``media.damage`` counts them."""

_HOWEVER_DAMAGED: Final = ("-max_error_rate", "1")
"""By itself ffmpeg fails where two thirds of what it decodes is damaged, which a chunk of a good film may be."""

_PEAK_LIMIT: Final = 0.97
_FILL_HOLES_SECONDS: Final = 0.05


def encode_chunk_command(
    ffmpeg: Path,
    plan: PicturePlan,
    chunk: Chunk,
    source: Path,
    target: Path,
    *,
    origin_seconds: float,
    threads: int | None = None,
    standing_since: int | None = None,
) -> list[str]:
    """Encode one chunk of the picture into an MP4 of its own, whose clock begins at 0.

    Args:
        ffmpeg: The program.
        plan: How the picture is encoded.
        chunk: Which part of it.
        source: The upload.
        target: Of any name; the format is always MP4.
        origin_seconds: The source's time at which the output begins.
        threads: Of the encoder; None for as many as it likes, which is half as many again as there are cores.
        standing_since: A frame of the output, not after the chunk's first. The last one that can be decoded from there
            on stands to the chunk's end. None: what can't be decoded at the end is missing.
    """
    ends = [] if chunk.is_last and standing_since is None else ["-frames:v", str(chunk.frames)]
    filters = picture_filters(plan, chunk, origin_seconds, standing_since)
    return [
        *_chunk_input(
            ffmpeg, plan, chunk.first_frame if standing_since is None else standing_since, source, origin_seconds
        ),
        *[*_without_metadata(), "-vf", filters, "-fps_mode", "passthrough"],
        *_x264(plan),
        *([] if threads is None else ["-threads", str(threads)]),
        *[*ends, "-f", "mp4", "-y", *as_file(target)],
    ]


def decode_chunk_command(
    ffmpeg: Path, plan: PicturePlan, chunk: Chunk, source: Path, *, origin_seconds: float
) -> list[str]:
    """Decode what ``encode_chunk_command`` decodes for this chunk, and throw it away."""
    ends = [] if chunk.is_last else ["-frames:v", str(chunk.frames)]
    filters = ",".join(_timing_filters(plan, chunk.first_frame, origin_seconds))
    return [
        *_chunk_input(ffmpeg, plan, chunk.first_frame, source, origin_seconds),
        *["-vf", filters, "-fps_mode", "passthrough", *ends, "-f", "null", "-"],
    ]


def encode_sound_command(
    ffmpeg: Path, plan: SoundPlan, source: Path, target: Path, *, origin_seconds: float, until_the_end: bool = False
) -> list[str]:
    """Encode the sound into an MP4 of its own, whose clock begins at 0, with silence where the source has none.

    Args:
        ffmpeg: The program.
        plan: How the sound is encoded.
        source: The upload.
        target: Of any name; the format is always MP4.
        origin_seconds: The source's time at which the output begins.
        until_the_end: Whether silence is put after what ends before the planned length.
    """
    encoding = plan.encoding
    return [
        *[*quiet_with_progress(ffmpeg, _LOGLEVEL), *_HOWEVER_DAMAGED],
        *["-copyts", "-itsoffset", f"{-origin_seconds:.6f}", *source_input(source)],
        *["-map", f"0:{plan.index}", *_without_metadata()],
        *["-af", ",".join([sound_filters(plan), *(["apad"] if until_the_end else [])])],
        *["-c:a", encoding.encoder, "-b:a", str(encoding.bit_rate)],
        *["-ac", str(encoding.channels), "-ar", str(encoding.sample_rate_hertz)],
        *["-t", f"{plan.seconds:.6f}", "-f", "mp4", "-y", *as_file(target)],
    ]


def picture_filters(plan: PicturePlan, chunk: Chunk, origin_seconds: float, standing_since: int | None = None) -> str:
    """From decoded frames, upright already as ffmpeg has turned them, to those that are encoded."""
    encoding, first = plan.encoding, chunk.first_frame
    filters = [
        *(["bwdif=mode=send_frame:deint=all"] if encoding.deinterlace else []),
        *_timing_filters(plan, first if standing_since is None else standing_since, origin_seconds),
        *(
            []
            if standing_since is None
            else ["tpad=stop=-1:stop_mode=clone", f"trim=start_frame={first - standing_since}"]
        ),
        *([f"setpts=PTS-{first}"] if first else []),
        *colour_filters(encoding.colours, plan.width, plan.height),
        "setsar=1",
    ]
    return ",".join(filters)


def _chunk_input(ffmpeg: Path, plan: PicturePlan, first_frame: int, source: Path, origin_seconds: float) -> list[str]:
    """ffmpeg, reading the picture from the keyframe before this frame of the output on."""
    encoding = plan.encoding
    seek_to = origin_seconds + first_frame / encoding.frame_rate - encoding.seek_margin_seconds
    # Frames from the keyframe on are wanted, not just those from this time on: one of them may stand until the chunk.
    seek = ["-noaccurate_seek", "-seek_timestamp", "1", "-ss", f"{seek_to:.6f}"] if first_frame else []
    return [
        *[*quiet_with_progress(ffmpeg, _LOGLEVEL), *_HOWEVER_DAMAGED],
        # A picture whose size changes on the way goes on through the same filters: new ones would count from 0 again.
        *["-copyts", *seek, "-reinit_filter", "0", *source_input(source), "-map", f"0:{plan.index}"],
    ]


def _timing_filters(plan: PicturePlan, first_frame: int, origin_seconds: float) -> list[str]:
    """From the source's frames to the output's from this one on. The one that stands there is the first."""
    rate = plan.encoding.frame_rate
    return [
        f"setpts=PTS-({origin_seconds:.6f})/TB",
        f"fps=fps={exact_rate(rate)}:start_time={first_frame / rate:.6f}:round=near",
    ]


def sound_filters(plan: SoundPlan) -> str:
    """Sound from 0 on, without holes; mixed down without clipping where there are too many channels."""
    encoding = plan.encoding
    layout = "mono" if encoding.channels == 1 else "stereo"
    filters = [
        f"aresample=async=1:min_hard_comp={_FILL_HOLES_SECONDS:g}:first_pts=0",
        f"aformat=channel_layouts={layout}",
    ]
    if encoding.loudness_lufs is not None:
        filters.append(f"loudnorm=I={encoding.loudness_lufs:g}:TP=-1.5:LRA=11")
    else:
        filters.append(f"alimiter=limit={_PEAK_LIMIT:g}:level=disabled")
    return ",".join(filters)


def exact_rate(rate: float) -> str:
    """Exact for the rates of NTSC: 29.97 is 30000/1001."""
    return str(Fraction(rate).limit_denominator(1001))


def _x264(plan: PicturePlan) -> list[str]:
    """The same for every chunk, so that chunks can be joined: closed GOPs of one length, and no keyframe between."""
    encoding, gop = plan.encoding, str(plan.encoding.gop_frames)
    return [
        *["-c:v", encoding.encoder, "-profile:v", "high", "-preset", encoding.preset, "-crf", str(encoding.crf)],
        *["-maxrate", str(encoding.max_bit_rate), "-bufsize", str(2 * encoding.max_bit_rate)],
        *([] if encoding.references is None else ["-refs", str(encoding.references)]),
        *["-g", gop, "-keyint_min", gop, "-sc_threshold", "0", "-flags", "+cgop"],
    ]


def _without_metadata() -> list[str]:
    """Nothing of the source's metadata goes along: a phone writes its owner's position there."""
    return ["-map_metadata", "-1", "-map_chapters", "-1"]
