"""The command line that makes the published file of its streams, copying all of them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from media.commands import as_file, quiet_with_progress
from media.plan import TranscodePlan

_RESERVE_FROM_BYTES: Final = 16 * 1024 * 1024
"""From this size on, room for the index is left in front, which saves writing the file a second time."""

_INDEX_BYTES_A_FRAME: Final = 48
_INDEX_BYTES_A_SOUND_PACKET: Final = 34
_INDEX_BASE_BYTES: Final = 64 * 1024
"""The most that the tables of an MP4 take for each packet: times, sizes, a chunk of its own (ISO/IEC 14496-12, 8.6)."""


@dataclass(frozen=True)
class JoinInput:
    """Where a stream of the output comes from.

    Attributes:
        opened: The input's options, as ``media.commands`` makes them.
        index: Number of the stream in it.
        is_source: Whether it is the upload, whose clock has to be moved to the output's.
    """

    opened: tuple[str, ...]
    index: int
    is_source: bool


def join_command(
    ffmpeg: Path,
    plan: TranscodePlan,
    picture: JoinInput,
    sound: JoinInput | None,
    target: Path,
    *,
    hashes: Path,
    size_bytes: int,
    packets: tuple[int, int],
) -> list[str]:
    """Put picture and sound into one MP4 with its index in front, and nothing else of the source.

    Args:
        ffmpeg: The program.
        plan: Whose origin is where the output's clock begins.
        picture: Where it comes from.
        sound: Where it comes from, or None for a silent film.
        target: Of any name; the format is always MP4.
        hashes: Gets a hash over all packets of each stream, as they were read.
        size_bytes: About how large the output becomes.
        packets: How many of picture and sound go in.
    """
    parts = [part for part in (picture, sound) if part is not None]
    opened: list[tuple[str, ...]] = []
    maps: list[str] = []
    for part in parts:
        if (options := (*_clock(part, plan), *part.opened)) not in opened:
            opened.append(options)
        maps += ["-map", f"{opened.index(options)}:{part.index}"]
    return [
        *[*quiet_with_progress(ffmpeg), "-copyts", *(text for options in opened for text in options)],
        *[*maps, "-map_metadata", "-1", "-map_chapters", "-1", "-write_tmcd", "0", "-c", "copy"],
        *_index_in_front(size_bytes, packets),
        *["-f", "mp4", "-y", *as_file(target)],
        *[*maps, "-c", "copy", "-f", "streamhash", "-hash", "murmur3", "-y", *as_file(hashes)],
    ]


def index_bytes(packets: tuple[int, int]) -> int:
    """Room that is enough for the index of so many packets of picture and sound."""
    pictures, sounds = packets
    return _INDEX_BASE_BYTES + pictures * _INDEX_BYTES_A_FRAME + sounds * _INDEX_BYTES_A_SOUND_PACKET


def _clock(part: JoinInput, plan: TranscodePlan) -> Sequence[str]:
    return ("-itsoffset", f"{-plan.origin_seconds:.6f}") if part.is_source else ()


def _index_in_front(size_bytes: int, packets: tuple[int, int]) -> list[str]:
    if size_bytes < _RESERVE_FROM_BYTES:
        return ["-movflags", "+faststart"]
    return ["-moov_size", str(index_bytes(packets))]
