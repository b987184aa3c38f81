"""The index of a QuickTime movie may be compressed (``cmov``; QuickTime File Format, Compressed Movie Resources)."""

import zlib
from io import BytesIO
from typing import BinaryIO, Final

from contracts.errors import LimitExceeded
from media.container import Box

MOST_BYTES: Final = 16 * 1024 * 1024
"""Before and after: six hours at 25 frames a second, with a track of sound, have some seven million bytes of index."""

_HEAD_BYTES: Final = 24


def unpacked(file: BinaryIO, box: Box) -> BytesIO | None:
    """The index that such a box holds, as a file of its own; None where it can't be unpacked, which ends ffmpeg, too.

    Raises:
        LimitExceeded: It is larger than any that is good for something.
    """
    file.seek(box.inside)
    head = file.read(_HEAD_BYTES)
    if head[4:12] != b"dcomzlib" or head[16:20] != b"cmvd":
        return None
    packed = file.read(max(0, min(MOST_BYTES + 1, box.end - box.inside - _HEAD_BYTES)))
    try:
        index = zlib.decompressobj().decompress(packed, MOST_BYTES + 1)
    except zlib.error:
        return None
    if max(len(packed), len(index)) > MOST_BYTES:
        raise LimitExceeded("The file's index is too large. Export it again, and upload the new file.")
    return BytesIO(index)
