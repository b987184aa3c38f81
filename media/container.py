"""Whether a file has all the bytes that its container promises, read from its outermost structure alone.

ffmpeg plays a file that was cut off as far as it goes and reports success, so the cut has to be seen before. Only box
and chunk headers are read, so a file of any size takes milliseconds. Unknown containers pass: ffprobe judges them.
"""

import struct
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from contracts.errors import InvalidMedia
from contracts.sizes import size_text

_FIRST_BOXES: Final = frozenset(
    (b"ftyp", b"moov", b"mdat", b"moof", b"styp", b"sidx", b"free", b"skip", b"wide", b"pnot", b"uuid")
)
_BOXES_THAT_MATTER: Final = frozenset((b"moov", b"mdat", b"moof"))
_INDEX_BOXES: Final = frozenset((b"moov", b"moof"))
_MAX_BOXES: Final = 100_000
"""A file of empty boxes would keep us for minutes."""

_WAY_TO_SAMPLE_ENTRIES: Final = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_ENCRYPTED_ENTRIES: Final = frozenset((b"encv", b"enca"))
"""Sample entries of Common Encryption (ISO/IEC 23001-7). ffprobe tells only what is encrypted in them."""
_MAX_TRACKS: Final = 64
_MAX_BOXES_INSIDE: Final = 1_000

_RIFF_SLACK_BYTES: Final = 16
"""Some writers count their own header or padding."""
_RIFF_SIZE_UNKNOWN: Final = (0, 0xFFFFFFFF)

_EBML: Final = b"\x1a\x45\xdf\xa3"
_SEGMENT: Final = b"\x18\x53\x80\x67"


class Box(NamedTuple):
    """A box of an MP4 or MOV; there may be millions, and a tuple is made in a third of the time of a dataclass.

    Attributes:
        kind: Its four letters.
        start: Where it begins in the file, in bytes.
        inside: Where what it holds begins.
        end: Where it ends, as it says.
    """

    kind: bytes
    start: int
    inside: int
    end: int


def check_complete(path: Path) -> None:
    """Check that the file is as long as its container says: MP4 and MOV, AVI, Matroska and WebM.

    Raises:
        InvalidMedia: The file is empty, or ends early.
        OSError: The file can't be read.
    """
    size = path.stat().st_size
    if size == 0:
        raise InvalidMedia("The file is empty. Export it again and upload the new file.")
    with path.open("rb") as file:
        head = file.read(12)
        if head[4:8] in _FIRST_BOXES:
            _check_boxes(file, size)
        elif head[:4] == b"RIFF":
            _check_riff(file, size)
        elif head[:4] == _EBML:
            _check_ebml(file, size)


def has_index_in_front(path: Path) -> bool:
    """Whether an MP4 can be played while it is still being downloaded: its ``moov`` comes before its ``mdat``."""
    with path.open("rb") as file:
        kinds = [box.kind for box in boxes(file, path.stat().st_size)]
    return b"moov" in kinds and b"mdat" in kinds and kinds.index(b"moov") < kinds.index(b"mdat")


def top_box(path: Path, start: int) -> tuple[bytes, int] | None:
    """Kind and end of the box of an MP4 or MOV that begins at ``start``; None where there is none."""
    with path.open("rb") as file:
        box = next(boxes(file, path.stat().st_size, start), None)
    return (box.kind, box.end) if box is not None and (start or box.kind in _FIRST_BOXES) else None


def has_encrypted_track(path: Path) -> bool:
    """Whether a track of an MP4 or MOV can't be decoded without a key."""
    with path.open("rb") as file:
        places = [(0, path.stat().st_size)]
        for wanted in _WAY_TO_SAMPLE_ENTRIES:
            inside = [box for start, end in places for box in islice(boxes(file, end, start), _MAX_BOXES_INSIDE)]
            places = [(box.inside, box.end) for box in inside if box.kind == wanted][:_MAX_TRACKS]
        entries = [box for start, end in places for box in islice(boxes(file, end, start + 8), _MAX_BOXES_INSIDE)]
        return any(entry.kind in _ENCRYPTED_ENTRIES for entry in entries)


def declared_duration(path: Path) -> float:
    """Seconds that an MP4's or MOV's own header (``mvhd``) gives as its length; 0 where it gives none.

    ffprobe adds up the decoding times instead, which falls short where the frame rate varies and frames are reordered.
    The header of a file in fragments knows only the first of them, so it is not believed.
    """
    with path.open("rb") as file:
        movie = next((box for box in boxes(file, path.stat().st_size) if box.kind == b"moov"), None)
        if movie is None:
            return 0.0
        inside = {box.kind: box for box in boxes(file, movie.end, start=movie.inside)}
        if b"mvhd" not in inside or b"mvex" in inside:
            return 0.0
        file.seek(inside[b"mvhd"].inside)
        return _header_duration(file.read(32))


def _header_duration(mvhd: bytes) -> float:
    layout = ">4x16xIQ" if mvhd[:1] == b"\x01" else ">4x8xII"
    if len(mvhd) < struct.calcsize(layout):
        return 0.0
    ticks_a_second, ticks = struct.unpack_from(layout, mvhd)
    is_unknown = ticks in (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
    return 0.0 if is_unknown or ticks_a_second == 0 else ticks / ticks_a_second


def _check_boxes(file: BinaryIO, size: int) -> None:
    kinds = set()
    for box in boxes(file, size):
        kinds.add(box.kind)
        if box.end > size and box.kind in _BOXES_THAT_MATTER:
            raise _ends_early(size, box.end)
    if not kinds & _INDEX_BOXES:
        raise InvalidMedia(
            "The file ends early: its index (moov) is missing, as when a recording or an upload was interrupted. "
            "Export it again and upload the new file."
        )
    if b"mdat" not in kinds:
        raise InvalidMedia(
            "The file ends early: it has an index, but none of the pictures that the index lists. Export it again and "
            "upload the new file."
        )


def boxes(
    file: BinaryIO, end: int, start: int = 0, *, most: int = _MAX_BOXES, of_any_kind: bool = False
) -> Iterator[Box]:
    """The boxes from ``start`` to ``end``. Bytes that are no box, as some cameras leave them behind, end the walk.

    Args:
        file: An MP4 or MOV.
        end: Where to stop.
        start: Where the first one begins.
        most: How many are looked at.
        of_any_kind: Whether those are boxes too whose kind can't be printed.
    """
    for _ in range(most):
        if start >= end:  # asked first: a box may claim to be longer than any place that can be sought
            return
        file.seek(start)
        header = file.read(16)
        if len(header) < 8:  # noqa: PLR2004  the length of a box header
            return
        length, kind = struct.unpack(">I4s", header[:8])
        least = 8
        if length == 0:
            length = end - start
        elif length == 1 and len(header) == 16:  # noqa: PLR2004  the length of a large box's header
            length, least = struct.unpack(">Q", header[8:])[0], 16
        if length < least or not (of_any_kind or (kind.isascii() and kind.decode("ascii").isprintable())):
            return
        yield Box(kind, start, start + least, start + length)
        start += length


def _check_riff(file: BinaryIO, size: int) -> None:
    """AVI. Beyond 1 GiB it goes on in further RIFF chunks (OpenDML)."""
    start = 0
    for _ in range(_MAX_BOXES):
        file.seek(start)
        header = file.read(8)
        if len(header) < 8 or header[:4] != b"RIFF":  # noqa: PLR2004  the length of a chunk header
            return
        (length,) = struct.unpack("<I", header[4:])
        if length in _RIFF_SIZE_UNKNOWN:
            return
        end = start + 8 + length
        if end > size + _RIFF_SLACK_BYTES:
            raise _ends_early(size, end)
        start = end + end % 2


def _check_ebml(file: BinaryIO, size: int) -> None:
    """Matroska: one Segment holds everything. One that was written live does not know its size."""
    file.seek(len(_EBML))
    head_size = _ebml_size(file)
    if head_size is None:
        return
    if file.tell() + head_size > size:
        raise _ends_early(size, file.tell() + head_size)
    file.seek(head_size, 1)
    if file.read(len(_SEGMENT)) != _SEGMENT:
        return
    segment_size = _ebml_size(file)
    if segment_size is not None and file.tell() + segment_size > size:
        raise _ends_early(size, file.tell() + segment_size)


def _ebml_size(file: BinaryIO) -> int | None:
    """A number of 1 to 8 bytes: the position of the first bit that is set tells how many. None: it is not known."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    more = 8 - first[0].bit_length()
    rest = file.read(more)
    if len(rest) < more:
        return None
    bits = 7 * (more + 1)
    value = int.from_bytes(first + rest, "big") & ((1 << bits) - 1)
    return None if value == (1 << bits) - 1 else value


def _ends_early(size: int, promised: int) -> InvalidMedia:
    return InvalidMedia(
        f"The file ends early: {size_text(promised - size)} of at least {size_text(promised)} are missing. Export it "
        "again, or copy it again from where it was made, and upload the new file."
    )
