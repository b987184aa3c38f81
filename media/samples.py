"""How many samples the tables of an MP4 or MOV announce, known before a program builds its index of them.

Such a table need not have a byte a sample: one size may hold for all of them (``stsz``, and ``trun`` with the defaults
of its track; ISO/IEC 14496-12, 8.7.3.2 and 8.8.8). ffmpeg takes some 150 bytes of memory for each, and says nothing
until all have been laid out.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from contracts.errors import LimitExceeded
from media.container import Box, boxes

MOST_SAMPLES: Final = 10_000_000
"""Of all tracks together: twelve hours at 120 frames a second, with two tracks of sound."""

_MOST_INSIDE: Final = 1_000
_TABLES: Final = (b"stsz", b"stz2")


def check_samples(path: Path) -> None:
    """Refuse a file that announces more samples than any film has.

    Raises:
        LimitExceeded: It does.
        OSError: The file can't be read.
    """
    announced = 0
    with path.open("rb") as file:
        for count in _counts(file, path.stat().st_size):
            announced += count
            if announced > MOST_SAMPLES:
                raise LimitExceeded(
                    f"The file announces more than {MOST_SAMPLES} frames and pieces of sound. Export it shorter, with "
                    "fewer frames a second or with fewer tracks, and upload the new file."
                )


def _counts(file: BinaryIO, size: int) -> Iterator[int]:
    for top in boxes(file, size):
        if top.kind == b"moov":
            for media in _below(file, top, b"trak", b"mdia"):
                is_sound = any(_field(file, box, 8) == b"soun" for box in _below(file, media, b"hdlr"))
                for table in _below(file, media, b"minf", b"stbl"):
                    yield _of_table(file, table, is_sound=is_sound)
        elif top.kind == b"moof":
            yield from (_number(file, run, 4) for run in _below(file, top, b"traf", b"trun"))


def _of_table(file: BinaryIO, table: Box, *, is_sound: bool) -> int:
    """Plain sound, of which each sample lasts one tick, is laid out by chunks, however many they are."""
    inside = list(islice(boxes(file, table.end, table.inside), _MOST_INSIDE))
    times = [box for box in inside if box.kind == b"stts"]
    is_plain = is_sound and all(_number(file, box, 4) == _number(file, box, 12) == 1 for box in times)
    return 0 if is_plain else sum(_number(file, box, 8) for box in inside if box.kind in _TABLES)


def _below(file: BinaryIO, place: Box, *way: bytes) -> Sequence[Box]:
    places = [place]
    for wanted in way:
        inside = (box for place in places for box in islice(boxes(file, place.end, place.inside), _MOST_INSIDE))
        places = [box for box in inside if box.kind == wanted]
    return places


def _number(file: BinaryIO, box: Box, at: int) -> int:
    """The number of four bytes so far into what the box holds; 0 where it ends before."""
    return int.from_bytes(_field(file, box, at))


def _field(file: BinaryIO, box: Box, at: int) -> bytes:
    file.seek(box.inside + at)
    return file.read(4)
