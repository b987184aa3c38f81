"""Whether a file that can't be decoded is not damaged but encrypted, by what its container says of itself.

Asked only of a file that was found unreadable: a transport stream may hold a scrambled programme beside another. MP4
and Matroska name their keys where ``media.container`` and ``media.probe`` look for them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

_TRANSPORT_SIZES: Final = ((188, 0), (192, 4), (204, 0))
"""Length of a transport stream's packets, and where in them they begin: plain, M2TS, with Reed-Solomon."""
_SYNC: Final = 0x47
_SYNCS: Final = 4
"""So many in a row tell a transport stream."""
_PLACES: Final = 4
_PACKETS_A_PLACE: Final = 1_000
_SYSTEM_PIDS: Final = frozenset((*range(0x20), 0x1FFF))
"""Tables and padding, which are never scrambled."""
_HAS_PAYLOAD: Final = 0x10
_SCRAMBLED: Final = 0xC0

_ASF_HEADER: Final = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FIRST_OBJECT: Final = 30
_ASF_OBJECT_HEADER: Final = 24
_MOST_ASF_OBJECTS: Final = 100
_ASF_ENCRYPTION: Final = frozenset(
    (
        bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e"),
        bytes.fromhex("14e68a292226174cb935dae07ee9289c"),
        bytes.fromhex("338505438169e6499b74ad12cb86d58c"),
    )
)
"""The content encryption objects of Windows Media (ASF 3.14 to 3.16): plain, extended, advanced."""


def says_that_it_is_encrypted(path: Path) -> bool:
    """Whether most packets of a transport stream are scrambled, or an ASF file names a protection (DRM)."""
    with path.open("rb") as file:
        head = file.read(len(_ASF_HEADER))
        return _names_protection(file) if head == _ASF_HEADER else _is_scrambled(file, path.stat().st_size)


def _names_protection(file: BinaryIO) -> bool:
    start = _ASF_FIRST_OBJECT
    for _ in range(_MOST_ASF_OBJECTS):
        file.seek(start)
        header = file.read(_ASF_OBJECT_HEADER)
        length = int.from_bytes(header[16:], "little")
        if header[:16] in _ASF_ENCRYPTION:
            return True
        if len(header) < _ASF_OBJECT_HEADER or not _ASF_OBJECT_HEADER <= length < 2**32:
            return False
        start += length
    return False


def _is_scrambled(file: BinaryIO, size_bytes: int) -> bool:
    packets = scrambled = 0
    for packet in _transport_packets(file, size_bytes):
        pid = (packet[1] & 0x1F) << 8 | packet[2]
        if pid not in _SYSTEM_PIDS and packet[3] & _HAS_PAYLOAD:
            packets += 1
            scrambled += packet[3] & _SCRAMBLED != 0
    return scrambled > packets / 2


def _transport_packets(file: BinaryIO, size_bytes: int) -> Iterator[bytes]:
    """The headers of packets at a few places from the beginning to the end; none where it is no transport stream."""
    file.seek(0)
    head = file.read(204 * _SYNCS)
    for length, begin in _TRANSPORT_SIZES:
        syncs = head[begin : length * _SYNCS : length]
        if len(syncs) == _SYNCS and set(syncs) == {_SYNC}:
            break
    else:
        return
    for place in range(_PLACES):
        file.seek(size_bytes * place // _PLACES // length * length)
        content = file.read(length * _PACKETS_A_PLACE)
        for at in range(begin, len(content) - 4, length):
            if content[at] == _SYNC:
                yield content[at : at + 4]
