"""How many samples the tables of an MP4 or MOV announce, known before a program builds its index of them.

Such a table need not have a byte a sample: one size may hold for all of them (``stsz``, and ``trun`` with the defaults
of its track; ISO/IEC 14496-12, 8.7.3.2 and 8.8.8). ffmpeg takes hundreds of bytes of memory for each, and says nothing
until all have been laid out. It finds tables wherever they stand, so they are looked for everywhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from contracts.errors import LimitExceeded
from media.container import Box, boxes

MOST_SAMPLES: Final = 6_000_000
"""Of all tracks together: six hours at 60 frames a second have 1.3 million, and a million in each track of sound."""

_FEW_SAMPLES: Final = 1_000_000
_LEAST_BYTES: Final = 16
"""Of a sample, on average, where there are more than a few: a frame that repeats the one before has some forty. What is
smaller takes more memory yet, as ffmpeg reads the first 5 MB of a file into packets before it tells anything."""

_MOST_BOXES: Final = 3_000_000
"""A film of six hours in fragments of a tenth of a second has 2.4 million."""

_FEW_BOXES: Final = 100_000
_LEAST_BYTES_OF_A_BOX: Final = 48
"""On average, where there are more than a few: such a film has 115, index and samples together, at 80 kbit a second."""

_DEEPEST: Final = 12
"""ffmpeg goes ten levels down."""

_PARENTS: Final = frozenset(
    b"moov trak mdia minf stbl moof traf mvex udta edts dinf meta wave mfra tapt tref ilst ipro iprp".split()
)
_PICTURES: Final = frozenset((b"vide", b"auxv", b"pict"))
"""Of handlers; QuickTime has one for where the data are as well, which says nothing of what they are."""

_TABLES: Final = frozenset((b"stsz", b"stz2"))


@dataclass
class _Track:
    """What a track says of its samples, as far as it was read."""

    handlers: list[bytes] = field(default_factory=list)
    lasts_one_tick: list[bool] = field(default_factory=list)
    announced: int = 0

    @property
    def is_plain_sound(self) -> bool:
        """Each sample lasts one tick: it is laid out by chunks, however many they are."""
        is_sound = b"soun" in self.handlers and not _PICTURES & set(self.handlers)
        return is_sound and bool(self.lasts_one_tick) and all(self.lasts_one_tick)


def check_samples(path: Path) -> None:
    """Refuse a file that announces more samples than any film has.

    Raises:
        LimitExceeded: It does, or has more boxes than a film of its size.
        OSError: The file can't be read.
    """
    size_bytes = path.stat().st_size
    most = min(MOST_SAMPLES, max(_FEW_SAMPLES, size_bytes // _LEAST_BYTES))
    most_boxes = min(_MOST_BOXES, max(_FEW_BOXES, size_bytes // _LEAST_BYTES_OF_A_BOX))
    with path.open("rb") as file:
        announced = 0
        tracks: list[_Track] = []
        for seen, (box, track) in enumerate(_walk(file, Box(b"", 0, 0, size_bytes), None, 0)):
            if box.kind == b"trak" and track is not None:
                tracks.append(track)
            announced += _take(file, box, track)
            if seen > most_boxes:
                raise LimitExceeded(
                    f"The file consists of more than {most_boxes} parts, which no film of its size does. Export it "
                    "again, and upload the new file."
                )
            if announced > most:
                raise _too_many(most)
        if announced + sum(track.announced for track in tracks if not track.is_plain_sound) > most:
            raise _too_many(most)


def _walk(file: BinaryIO, parent: Box, track: _Track | None, depth: int) -> Iterator[tuple[Box, _Track | None]]:
    """Every box within, with the track that it belongs to."""
    for box in boxes(file, parent.end, parent.inside, most=_MOST_BOXES, of_any_kind=True):
        inner = _Track() if box.kind == b"trak" else track
        yield box, inner
        if box.kind in _PARENTS and box.end > box.inside and depth < _DEEPEST:
            yield from _walk(file, box, inner, depth + 1)


def _take(file: BinaryIO, box: Box, track: _Track | None) -> int:
    """Note what the box says of its track. Returns the samples that are no track's, or come in a fragment."""
    if box.kind == b"trun":
        return _number(file, box, 4)
    count = _number(file, box, 8) if box.kind in _TABLES else 0
    if track is None:
        return count
    track.announced += count
    if box.kind == b"hdlr":
        track.handlers.append(_field(file, box, 8))
    elif box.kind == b"stts":
        track.lasts_one_tick.append(_number(file, box, 4) == _number(file, box, 12) == 1)
    return 0


def _number(file: BinaryIO, box: Box, at: int) -> int:
    """The number of four bytes so far into what the box holds; 0 where the file ends before."""
    return int.from_bytes(_field(file, box, at))


def _field(file: BinaryIO, box: Box, at: int) -> bytes:
    file.seek(box.inside + at)
    return file.read(4)


def _too_many(most: int) -> LimitExceeded:
    return LimitExceeded(
        f"The file announces more than {most} frames and pieces of sound. Export it shorter, with fewer frames "
        "a second or with fewer tracks, and upload the new file."
    )
