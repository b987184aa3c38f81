"""Command lines that read: probe, survey, decode, hash. Pure: building one is here, running it is ``media.ffmpeg``.

Every input is opened by the same rules, because an upload is hostile until shown otherwise: it is named as a file
whatever it looks like, it may open no other file or address, and only containers that carry their own bytes are read.
A playlist or a concat script, whatever its extension, is refused by ffmpeg itself.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from media.probe import PROBE_ENTRIES
from media.survey import PACKET_ENTRIES

INPUT_FORMATS: Final = ("mov", "matroska", "webm", "avi", "mpegts", "mpeg", "flv", "asf", "ogg")
"""Demuxers that can't be made to read another file."""

STATS_PERIOD_SECONDS: Final = 0.5
"""How often ffmpeg tells its progress."""

MOST_STREAMS: Final = 128
"""So many tracks may a file have; fonts and subtitles of a film are tracks as well. A thousand cost a gigabyte."""

_FORMATS_RULE: Final = "-format_whitelist"
_FIRST_FRAME_WITHIN_SECONDS: Final = 60
_PARAMETER_SETS: Final = "7-8"
"""Types of the H.264 units that hold sequence and picture parameter sets (ITU-T H.264, table 7-1)."""


def probe_command(ffprobe: Path, source: Path) -> list[str]:
    """Print what ``media.probe.parse_probe`` reads."""
    return [*quiet(ffprobe), *guarded(INPUT_FORMATS), "-show_entries", PROBE_ENTRIES, "-of", "json", *as_file(source)]


def survey_command(ffprobe: Path, source: Path) -> list[str]:
    """Print what ``media.survey.Surveyor`` reads: a line for each packet."""
    entries = ["-show_entries", PACKET_ENTRIES, "-of", "csv=p=0"]
    return [*quiet(ffprobe), *guarded(INPUT_FORMATS), *entries, *as_file(source)]


def packet_places_command(ffprobe: Path, source: Path, stream: int, interval: str | None) -> list[str]:
    """Print place and size of a stream's packets, from a keyframe on in an interval such as ``10%20``; its codec."""
    which = ["-select_streams", str(stream), *([] if interval is None else ["-read_intervals", interval])]
    entries = ["-show_entries", "packet=pos,size:stream=codec_name", "-of", "compact=p=0"]
    return [*quiet(ffprobe), *guarded(INPUT_FORMATS), *which, *entries, *as_file(source)]


def parameter_sets_command(ffmpeg: Path, source: Path, video_index: int) -> list[str]:
    """Print a line for each packet of an H.264 stream that has parameter sets in it, and nothing for the others."""
    only_sets = ["-c", "copy", "-bsf:v", f"filter_units=pass_types={_PARAMETER_SETS}"]
    return [
        *[*quiet(ffmpeg), "-nostdin", "-nostats", *source_input(source), "-map", f"0:{video_index}"],
        *[*only_sets, "-f", "framehash", "-hash", "murmur3", "-"],
    ]


def decode_frame_command(ffmpeg: Path, source: Path, video_index: int) -> list[str]:
    """Decode the first frame that can be decoded and throw it away; stop looking after a minute of video."""
    return [
        *quiet_with_progress(ffmpeg),
        # Several threads would each be given a packet before the first frame comes out.
        *["-threads", "1", "-t", str(_FIRST_FRAME_WITHIN_SECONDS), *source_input(source)],
        *["-map", f"0:{video_index}", "-frames:v", "1", "-f", "null", "-"],
    ]


def decode_command(ffmpeg: Path, source: Path, *, only_keyframes: bool = False) -> list[str]:
    """Decode the whole file, or its keyframes, and throw it away; the first damaged packet is an error."""
    which = ["-skip_frame", "nokey"] if only_keyframes else []
    return [
        *quiet_with_progress(ffmpeg),
        *["-xerror", "-err_detect", "explode", *which, *source_input(source)],
        *["-map", "0", "-fps_mode", "passthrough", "-f", "null", "-"],
    ]


def verify_command(
    ffmpeg: Path,
    source: Path,
    *,
    indices: Sequence[int],
    starts: Sequence[float],
    frames: int,
    sound_packets: int,
) -> list[str]:
    """Print a hash of all packets of each stream, and decode places; the first damaged packet is an error.

    Args:
        ffmpeg: The program.
        source: The file.
        indices: Numbers of the streams to hash, in the order in which their hashes are printed.
        starts: Times to decode at, each from the keyframe at or before it; seconds.
        frames: How many there, at most.
        sound_packets: How many packets of sound there, at most; 0 to leave it out.
    """
    inputs: list[str] = []
    outputs: list[str] = []
    for number, start in enumerate(starts):
        # Several threads would each be given frames that nobody wants; the places are decoded side by side as it is.
        inputs += ["-threads", "1", "-noaccurate_seek", "-ss", f"{start:.3f}", *source_input(source)]
        outputs += ["-map", f"{number}:v", "-fps_mode", "passthrough", "-frames:v", str(frames), "-f", "null", "-"]
        if sound_packets:
            outputs += ["-map", f"{number}:a", "-frames:a", str(sound_packets), "-f", "null", "-"]
    # All packets are read by an input of their own: the others end where enough is decoded.
    hashed = [text for index in indices for text in ("-map", f"{len(starts)}:{index}")]
    return [
        *[*quiet_with_progress(ffmpeg), "-xerror", "-err_detect", "explode", *inputs, *source_input(source)],
        # The frames that ffmpeg counts are those of the first output: the ones that were decoded.
        *[*outputs, *hashed, "-c", "copy", "-f", "streamhash", "-hash", "murmur3", "-"],
    ]


def chunk_entries_command(ffprobe: Path, chunk: Path) -> list[str]:
    """Print how many packets a chunk has, a comma, and a hash of what a player has to know before the first of them."""
    entries = ["-select_streams", "v", "-count_packets", "-show_data_hash", "murmur3"]
    entries += ["-show_entries", "stream=nb_read_packets,extradata_hash"]
    return [*quiet(ffprobe), *guarded(INPUT_FORMATS), *entries, "-of", "csv=p=0", *as_file(chunk)]


def source_input(source: Path) -> list[str]:
    """The options that open an upload, or a file of ours."""
    return [*guarded(INPUT_FORMATS), "-i", *as_file(source)]


def chunks_input(chunk_list: Path) -> list[str]:
    """The options that open a list of our own chunks, one after the other, their packets as they are."""
    return ["-f", "concat", "-safe", "0", "-auto_convert", "0", *guarded(("concat", "mov")), "-i", *as_file(chunk_list)]


def chunk_list_text(chunks: Sequence[Path]) -> str:
    """The list that ``chunks_input`` opens: paths in single quotes, and such a quote itself escaped."""
    return "".join("file '{}'\n".format(str(chunk).replace("'", "'\\''")) for chunk in chunks)


def quiet(program: Path) -> list[str]:
    """The program, saying nothing but errors."""
    return [str(program), "-hide_banner", "-loglevel", "error"]


def quiet_with_progress(ffmpeg: Path, loglevel: str = "error") -> list[str]:
    """ffmpeg, with its progress on standard output."""
    progress = ["-nostats", "-stats_period", f"{STATS_PERIOD_SECONDS:g}", "-progress", "pipe:1"]
    return [str(ffmpeg), "-hide_banner", "-loglevel", loglevel, "-nostdin", *progress]


def guarded(formats: Sequence[str]) -> list[str]:
    """The rules by which an input is opened."""
    return ["-protocol_whitelist", "file", _FORMATS_RULE, ",".join(formats), "-max_streams", str(MOST_STREAMS)]


def with_most_pixels(command: Sequence[str], pixels: int) -> list[str]:
    """The command, decoding no picture larger than this, also where it is in mid-stream that one becomes larger."""
    bounded: list[str] = []
    for text in command:
        bounded += ["-max_pixels", str(pixels), text] if text == _FORMATS_RULE else [text]
    return bounded


def as_file(path: Path) -> list[str]:
    """The path, which can't be taken for an option or another protocol."""
    return [f"file:{path}"]
