"""Which bytes of an upload a step reads, so that not every worker has to have all of a long film.

An MP4 or MOV tells in its index where each packet is, and ffmpeg reads no other. The index and the first pictures are
taken always: ffmpeg looks at both when it opens a file. Other containers are taken whole.

What is left out reads as zeros, and ffmpeg takes those for damage. So a step that meets damage in a part has all of the
file fetched and begins anew, before anybody is blamed.
"""

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from contracts.errors import VideoError
from contracts.partial_file import PartialFile
from media.commands import packet_places_command
from media.container import top_box
from media.ffmpeg import Ffmpeg
from media.looking import looked_into
from media.plan import Chunk, PicturePlan
from media.sandbox import Access
from media.validate import probe
from threads.files import off_loop

_TAKEN_APART: Final = "h264"
_TOLD_BY_THE_INDEX: Final = frozenset(
    {_TAKEN_APART, "hevc", "av1", "vp9", "mpeg4", "prores", "dnxhd", "mjpeg"}
    | {"aac", "alac", "opus", "flac", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_f32le"}
)
"""Codecs of which ffmpeg takes packets as the index has them; others, such as AC-3, it takes apart anew."""
_FIRST_PICTURES_BYTES: Final = 5 * 1024 * 1024
"""ffmpeg reads so far at most to learn what the streams are (``probesize``)."""
_HEADER_BYTES: Final = 16
_MOST_BOXES: Final = 64
"""A file in fragments has an index in each; it is taken whole."""
_GAP_BYTES: Final = 256 * 1024
"""So much between two pictures, which is sound, is taken as well, rather than to ask twice."""
_GAP_OF_STREAM_BYTES: Final = 16 * 1024
"""Between two packets of sound lie the pictures of half a second: taken with it, they would be all of the film."""
_BEFORE_SECONDS: Final = 0.2
"""ffmpeg goes back a little further than it is told where pictures are reordered: by 3/23 s."""
_AHEAD_FRAMES: Final = 40
"""ffmpeg reads on while the last frames are encoded: one for each thread of the decoder, of which there are 16 at most,
and what its queues hold."""
_AROUND_SECONDS: Final = 1.0
"""As much before and after a single frame."""


async def need_for_validation(ffmpeg: Ffmpeg, source: PartialFile) -> None:
    """Have here what tells whether the upload can be processed, and how: all of it where it may be copied.

    Of what is encoded in any case the index tells all; H.264 is taken apart, packet by packet.

    Raises:
        LimitExceeded: The tables of the file are absurd.
        StorageFailed: It can't be fetched.
    """
    if source.is_whole:
        return

    async def is_told_by_the_index(ffmpeg: Ffmpeg) -> bool:
        with contextlib.suppress(VideoError):
            probed = await probe(ffmpeg, source.path)
            codecs = {probed.video.codec, *(track.codec for track in probed.audio)}
            if codecs <= _TOLD_BY_THE_INDEX - {_TAKEN_APART}:
                await need_for_frames(ffmpeg, source, probed.video.index, [0.0])
                return True
        return False

    if not await need_index(source) or not await looked_into(ffmpeg, source.path, is_told_by_the_index):
        await source.need_all()


async def need_for_chunk(
    ffmpeg: Ffmpeg, source: PartialFile, plan: PicturePlan, chunk: Chunk, origin_seconds: float
) -> None:
    """Have here what encoding this chunk reads: all, where that can't be told. Raises ``StorageFailed``."""
    encoding = plan.encoding
    begin = origin_seconds + chunk.first_frame / encoding.frame_rate - encoding.seek_margin_seconds - _BEFORE_SECONDS
    end = origin_seconds + (chunk.first_frame + chunk.frames + _AHEAD_FRAMES) / encoding.frame_rate
    await _need_packets(ffmpeg, source, plan.index, f"{max(0.0, begin):.3f}%{end:.3f}")


async def need_for_frames(ffmpeg: Ffmpeg, source: PartialFile, stream: int, at_seconds: Sequence[float]) -> None:
    """Have here what decoding a frame at each of these times reads: all, where that can't be told."""
    for at in at_seconds:
        begin, end = max(0.0, at - _AROUND_SECONDS), at + 2 * _AROUND_SECONDS
        await _need_packets(ffmpeg, source, stream, f"{begin:.3f}%{end:.3f}")


async def need_for_stream(ffmpeg: Ffmpeg, source: PartialFile, stream: int) -> None:
    """Have here every packet of one stream, such as the sound: all, where that can't be told."""
    await _need_packets(ffmpeg, source, stream, None, _GAP_OF_STREAM_BYTES)


async def _need_packets(
    ffmpeg: Ffmpeg, source: PartialFile, stream: int, interval: str | None, gap_bytes: int = _GAP_BYTES
) -> None:
    if source.is_whole:
        return
    if not await need_index(source):
        await source.need_all()
        return
    places = await _packet_places(ffmpeg, source.path, stream, interval)
    if not places:
        await source.need_all()
        return
    await source.need(*joined(places, gap_bytes))


async def need_index(source: PartialFile) -> bool:
    """Have here all of an MP4 or MOV but its packets, and the first of those; False where it is something else."""
    place, kinds = 0, list[bytes]()
    while place < source.size_bytes and len(kinds) < _MOST_BOXES:
        await source.need((place, place + _HEADER_BYTES))
        box = await off_loop(top_box, source.path, place)
        if box is None:
            break
        kind, end = box
        kinds.append(kind)
        await source.need((place, min(end, place + _FIRST_PICTURES_BYTES) if kind == b"mdat" else end))
        place = end
    return kinds.count(b"moov") == 1 and b"mdat" in kinds and b"moof" not in kinds


def joined(places: Iterable[tuple[int, int]], gap_bytes: int = _GAP_BYTES) -> list[tuple[int, int]]:
    """The ranges in order, those that lie close together made one."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(places):
        if found and begin <= found[-1][1] + gap_bytes:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


async def _packet_places(ffmpeg: Ffmpeg, path: Path, stream: int, interval: str | None) -> list[tuple[int, int]]:
    """Begin and end of each packet of the stream in the interval; empty where the index alone does not tell."""
    places: list[tuple[int, int]] = []
    codec = ""

    def read_line(line: str) -> None:
        nonlocal codec
        told = dict(field.partition("=")[::2] for field in line.split("|"))
        position, size = told.get("pos", ""), told.get("size", "")
        if position.isdecimal() and size.isdecimal():
            places.append((int(position), int(position) + int(size)))
        codec = told.get("codec_name", codec)

    command = packet_places_command(ffmpeg.ffprobe_path, path, stream, interval)
    result = await ffmpeg.read(command, Access(reads=(path,)), on_line=read_line)
    return places if result.return_code == 0 and codec in _TOLD_BY_THE_INDEX else []
