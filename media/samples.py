"""How many samples the tables of an MP4 or MOV announce, and how small, known before a program lays them out.

Such a table need not have a byte a sample: one size may hold for all of them (``stsz``, and ``trun`` with the defaults
of its track; ISO/IEC 14496-12, 8.7.3.2 and 8.8.8). ffmpeg takes 35 bytes of memory for each in its index. What it reads
first, to find out what the streams are, it keeps: some 520 bytes a packet, until they hold 5 MB, so that samples of one
byte took 2.6 GB, and empty ones no end. It finds tables wherever they stand, so they are looked for everywhere.
"""

import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Final

from contracts.errors import LimitExceeded
from media.compressed_index import unpacked
from media.container import Box, boxes
from media.hidden_boxes import check_entries, from_first, is_index_in_disguise

MOST_SAMPLES: Final = 6_000_000
"""Of all tracks together: six hours at 60 frames a second have 1.3 million, and a million in each track of sound."""

_MOST_PLAIN: Final = 12_000_000
"""Pieces of plain sound, of which the file has a number for each: sixteen tracks of four hours."""

MOST_FIRST_PACKETS: Final = 1_000_000
"""Six hours of silence in AAC are a million packets of six bytes, of which 830,000 come to 5 MB."""

_FIRST_BYTES: Final = 5_000_000
_INDEX_BYTES: Final = 35
_PACKET_BYTES: Final = 520
_LARGE: Final = 64
"""Bytes of a sample from which on it is not looked at how large it is: 80,000 of them come to 5 MB."""

_MOST_BOXES: Final = 3_000_000
"""A film of six hours in fragments of a tenth of a second has 2.4 million."""

_FEW_BOXES: Final = 100_000
_LEAST_BYTES_OF_A_BOX: Final = 48
"""On average, where there are more than a few: such a film has 115, index and samples together, at 80 kbit a second."""

_DEEPEST: Final = 12
"""ffmpeg goes ten levels down."""

_PARENTS: Final = frozenset(
    b"moov trak mdia minf stbl moof traf mvex udta edts dinf meta wave mfra tapt tref ilst ipro iprp sinf schi".split()
)
_PICTURES: Final = frozenset((b"vide", b"auxv", b"pict"))
"""Of handlers; QuickTime has one for where the data are as well, which says nothing of what they are."""

_TABLES: Final = frozenset((b"stsz", b"stz2"))
_CHUNK_TABLES: Final = frozenset((b"stco", b"co64"))
_COUNTED: Final = _TABLES | _CHUNK_TABLES
_PLAIN_SAMPLES_A_PACKET: Final = 1024
_MOST_RUNS: Final = 2_000_000
"""Of chunks with as many samples each; sound beside sixty frames a second has one for each of them, at most."""

_PIECE_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class Samples:
    """What the tables come to.

    Attributes:
        announced: How many there are, of all tracks.
        first_packets: How many of them ffmpeg may keep while it finds out what the streams are, the smallest first.
    """

    announced: int = 0
    first_packets: int = 0

    @property
    def memory_bytes(self) -> int:
        """What a program takes for them at most."""
        return _INDEX_BYTES * self.announced + _PACKET_BYTES * self.first_packets


@dataclass(slots=True)
class _Track:
    """What a track says of its samples, as far as it was read."""

    handlers: list[bytes] = field(default_factory=list)
    lasts_one_tick: list[bool] = field(default_factory=list)
    sizes: list[Box] = field(default_factory=list)
    chunk_runs: list[Box] = field(default_factory=list)
    chunks: int = 0
    is_counted: bool = False

    @property
    def is_plain_sound(self) -> bool:
        """Each sample lasts one tick: it is laid out by chunks, however many they are."""
        is_sound = b"soun" in self.handlers and not _PICTURES & set(self.handlers)
        return is_sound and bool(self.lasts_one_tick) and all(self.lasts_one_tick)


def check_samples(path: Path) -> Samples:
    """Refuse a file that announces more samples than any film has, or too many of a few bytes.

    Returns:
        What it announces; of another container nothing.

    Raises:
        LimitExceeded: It does, or has more boxes than a film of its size.
        OSError: The file can't be read.
    """
    with path.open("rb") as file:
        return _samples(file, path.stat().st_size)


def _samples(file: BinaryIO, size_bytes: int, *, is_unpacked: bool = False) -> Samples:
    most_boxes = min(_MOST_BOXES, max(_FEW_BOXES, size_bytes // _LEAST_BYTES_OF_A_BOX))
    tables, compressed, may_be_compressed = _Tables(file), Samples(), not is_unpacked
    for seen, (box, track) in enumerate(_walk(file, Box(b"", 0, 0, size_bytes), None, 0)):
        if seen > most_boxes:
            raise LimitExceeded(
                f"The file consists of more than {most_boxes} parts, which no film of its size does. Export it "
                "again, and upload the new file."
            )
        if box.kind == b"cmov":
            if not may_be_compressed:
                raise LimitExceeded("The file has several compressed indexes. Export it again and upload the new file.")
            may_be_compressed = False
            if (index := unpacked(file, box)) is not None:
                compressed = _samples(index, len(index.getbuffer()), is_unpacked=True)
        tables.take(box, track)
    found = tables.samples()
    return Samples(found.announced + compressed.announced, found.first_packets + compressed.first_packets)


def _walk(file: BinaryIO, parent: Box, track: _Track | None, depth: int) -> Iterator[tuple[Box, _Track | None]]:
    """Every box within, with the track that it belongs to."""
    for box in boxes(file, parent.end, parent.inside, most=_MOST_BOXES, of_any_kind=True):
        inner = _Track() if box.kind == b"trak" else track
        yield box, inner
        if box.kind == b"stsd":
            check_entries(file, box)
        elif depth < _DEEPEST and box.end > box.inside and (box.kind in _PARENTS or is_index_in_disguise(file, box)):
            yield from _walk(file, from_first(file, box), inner, depth + 1)


class _Tables:
    """Adds up what the boxes say: how many samples there are, and how many of each size."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._outside = _Track([*_PICTURES])  # for tables that are no track's
        self._tracks: list[_Track] = []  # with a table of sizes or chunks
        self._sizes: Counter[int] = Counter()
        self._announced = 0
        self._plain = 0
        self._default_bytes = 0  # of samples in a fragment whose table does not say
        self._default_bytes_of: dict[int, int] = {}  # by the number of the track

    def take(self, box: Box, track: _Track | None) -> None:
        """Note what the box says. Raises ``LimitExceeded`` where that is too much already."""
        if box.kind == b"trex":
            number, size = self._number(box, 4), self._number(box, 16)
            self._default_bytes_of[number] = min(size, self._default_bytes_of.get(number, size))
        elif box.kind == b"tfhd":
            self._take_defaults(box)
        elif box.kind == b"trun":
            self._take_fragment(box)
        else:
            self._take_of_track(box, track or self._outside)

    def _take_of_track(self, box: Box, track: _Track) -> None:
        if box.kind in _COUNTED and not track.is_counted:
            track.is_counted = True
            self._tracks.append(track)
        if box.kind in _TABLES:
            track.sizes.append(box)
        elif box.kind == b"hdlr":
            track.handlers.append(self._field(box, 8))
        elif box.kind == b"stts":
            track.lasts_one_tick.append(self._number(box, 4) == self._number(box, 12) == 1)
        elif box.kind == b"stsc":
            track.chunk_runs.append(box)
        elif box.kind in _CHUNK_TABLES:
            track.chunks += self._number(box, 4)

    def samples(self) -> Samples:
        """Of all boxes that were taken. Raises ``LimitExceeded`` where they are too many."""
        for track in self._tracks:
            if track.is_plain_sound:
                self._add_plain(track)
            else:
                self._announce(sum(self._number(box, 8) for box in track.sizes))
        for track in self._tracks:
            if not track.is_plain_sound:
                for box in track.sizes:
                    self._add_table(box)
        first = self._first_packets()
        if first > MOST_FIRST_PACKETS:
            raise LimitExceeded(
                f"The file has more than {MOST_FIRST_PACKETS} frames and pieces of sound that are smaller than any "
                "that are good for something. Export it again and upload the new file."
            )
        return Samples(self._announced + self._plain, first)

    def _announce(self, count: int) -> None:
        self._announced += count
        if self._announced > MOST_SAMPLES or self._plain > _MOST_PLAIN:
            raise _too_many()

    def _first_packets(self) -> int:
        """How many of the smallest come to what ffmpeg reads first."""
        room, packets = _FIRST_BYTES, 0
        for size, count in sorted(self._sizes.items()):
            fit = count if size == 0 else min(count, room // size)
            packets += fit
            room -= fit * size
        return packets

    def _add_table(self, box: Box) -> None:
        count, size = self._number(box, 8), self._number(box, 4)
        if box.kind == b"stz2":  # which no program of today writes, and has a byte at most for what is small
            self._sizes[0] += count
        elif size:
            self._sizes[min(size, _LARGE)] += count
        else:
            self._add_each(box.inside + 12, count, 1, 0)

    def _add_plain(self, track: _Track) -> None:
        """Packets of at most 1024 samples, in as many chunks as there are."""
        size = max((self._number(box, 4) for box in track.sizes), default=0)
        for chunks, samples in self._runs(track):
            packets = max(1, -(-samples // _PLAIN_SAMPLES_A_PACKET))
            self._plain += chunks * packets
            self._announce(0)
            self._sizes[min(_LARGE, samples * size // packets)] += chunks * packets

    def _runs(self, track: _Track) -> Iterator[tuple[int, int]]:
        """How many chunks have how many samples each; where that is not told as it ought to be, one has one."""
        entries = _numbers(self._read(track.chunk_runs[-1], 8, 12 * _MOST_RUNS)) if track.chunk_runs else ()
        count = self._number(track.chunk_runs[-1], 4) if track.chunk_runs else 0
        begins: list[int] = [*entries[: 3 * count : 3], track.chunks + 1]
        in_order = all(first < after for first, after in pairwise(begins))
        if len(track.chunk_runs) != 1 or len(begins) <= count or begins[0] != 1 or not in_order:
            yield track.chunks, 1
            return
        for (first, after), samples in zip(pairwise(begins), entries[1::3], strict=False):
            yield after - first, samples

    def _take_defaults(self, box: Box) -> None:
        flags = self._number(box, 0)
        before = 8 * bool(flags & 0x01) + 4 * bool(flags & 0x02) + 4 * bool(flags & 0x08)
        own = self._number(box, 8 + before) if flags & 0x10 else None
        self._default_bytes = self._default_bytes_of.get(self._number(box, 4), 0) if own is None else own

    def _take_fragment(self, box: Box) -> None:
        flags, count = self._number(box, 0), self._number(box, 4)
        self._announce(count)
        if not flags & 0x200:
            self._sizes[min(self._default_bytes, _LARGE)] += count
            return
        begin = box.inside + 8 + 4 * bool(flags & 0x01) + 4 * bool(flags & 0x04)
        each = sum(bool(flags & flag) for flag in (0x100, 0x200, 0x400, 0x800))
        self._add_each(begin, count, each, int(bool(flags & 0x100)))

    def _add_each(self, begin: int, count: int, each: int, which: int) -> None:
        """Sizes that are told one by one, among so many numbers of each sample; what is not in the file counts as 0."""
        self._file.seek(begin)
        while count > 0:
            wanted = min(count, _PIECE_BYTES // (4 * each))
            sizes = _numbers(self._file.read(4 * each * wanted))[which::each]
            small = [size for size in sizes if size < _LARGE]
            self._sizes.update(small)
            self._sizes[_LARGE] += len(sizes) - len(small)
            count -= len(sizes)
            if len(sizes) < wanted:
                break
        self._sizes[0] += count

    def _number(self, box: Box, at: int) -> int:
        """The number of four bytes so far into what the box holds; 0 where the file ends before."""
        return int.from_bytes(self._field(box, at))

    def _field(self, box: Box, at: int) -> bytes:
        return self._read(box, at, 4)

    def _read(self, box: Box, at: int, most: int) -> bytes:
        self._file.seek(box.inside + at)
        return self._file.read(max(0, min(most, box.end - box.inside - at)))


def _numbers(content: bytes) -> Sequence[int]:
    numbers = array("I", content[: len(content) // 4 * 4])
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _too_many() -> LimitExceeded:
    return LimitExceeded(
        f"The file announces more than {MOST_SAMPLES} frames and pieces of sound. Export it shorter, with fewer frames "
        "a second or with fewer tracks, and upload the new file."
    )
