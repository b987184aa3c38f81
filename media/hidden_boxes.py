"""Places where ffmpeg takes bytes for boxes that are not simply one after the other."""

import re
from typing import BinaryIO, Final

from contracts.errors import LimitExceeded
from media.container import Box, boxes

_NOT_IN_AN_ENTRY: Final = re.compile(b"trak|moof|hdlr|trex|tfhd|trun|stts|stsc|stsz|stz2|stco|co64|cmov")
_STRUCK_OUT: Final = frozenset((b"free", b"hoov"))
"""What an editor writes over an index that it puts elsewhere; ffmpeg takes such a one where it finds no other."""

_FIRST_IN_AN_INDEX: Final = frozenset((b"mvhd", b"cmov"))
_BEFORE_ENTRIES: Final = 8
_MOST_BYTES: Final = 16 * 1024 * 1024
"""Of all sample entries of a track, and of what stands in a ``meta`` before its first box."""


def check_entries(file: BinaryIO, entries: Box) -> None:
    """Refuse tables within sample entries (``stsd``).

    What ffmpeg reads behind the head of an entry it takes for boxes, and how long that head is depends on the codec. No
    program writes a table there, or an entry that reaches further than all of them.

    Raises:
        LimitExceeded: The file has one.
    """
    content = _beginning(file, entries)
    each = boxes(file, entries.end, entries.inside + _BEFORE_ENTRIES, of_any_kind=True)
    are_within = all(entry.end <= entries.end for entry in each)
    if len(content) == _MOST_BYTES or not are_within or _NOT_IN_AN_ENTRY.search(content):
        raise LimitExceeded(
            "The file has tables of its frames where no program writes them. Export it again and upload the new file."
        )


def from_first(file: BinaryIO, parent: Box) -> Box:
    """The same box, but for a ``meta``: ffmpeg looks for its handler there, and begins with that.

    Raises:
        LimitExceeded: It is not where any program writes it.
    """
    if parent.kind != b"meta":
        return parent
    content = _beginning(file, parent)
    handler = next((found.start() for found in re.finditer(b"hdlr", content) if found.start() % 4 == 0), None)
    if handler is not None:
        return parent._replace(inside=parent.inside + handler - 4)
    if len(content) == _MOST_BYTES:
        raise LimitExceeded("What the file tells of itself can't be read. Export it again and upload the new file.")
    return parent


def is_index_in_disguise(file: BinaryIO, box: Box) -> bool:
    """Whether it is named as room that is free, and is an index for ffmpeg."""
    if box.kind not in _STRUCK_OUT:
        return False
    file.seek(box.inside + 4)
    return file.read(4) in _FIRST_IN_AN_INDEX


def _beginning(file: BinaryIO, box: Box) -> bytes:
    file.seek(box.inside)
    return file.read(max(0, min(_MOST_BYTES, box.end - box.inside)))
