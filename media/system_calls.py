"""Which system calls a program that reads media never needs, as a filter for the kernel (seccomp-bpf). Pure.

The filter says no to sockets, to new processes, to changing the rights of files, to mounts and namespaces, and to
looking into other processes; everything else passes. It is for what the other layers don't cover: Landlock knows
nothing of UDP, ``chmod`` and ``fork``.
"""

import platform
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_X86_64: Final = 0xC000003E
_AARCH64: Final = 0xC00000B7

_REFUSED: Final = {
    _X86_64: {
        "sockets": (41, 53, 425, 426, 427),  # io_uring among them, which makes them in another way
        "processes, signals": (57, 58, 62, 129, 200, 297, 424, 434, 438),
        "other processes": (101, 310, 311, 312, 141, 142, 144, 203),
        "rights of files": (90, 91, 268, 452, 92, 93, 94, 260, 188, 189, 190, 197, 198, 199, 463, 466),
        "times of files": (132, 235, 261, 280),
        "namespaces, mounts": (272, 308, 165, 166, 155, 161, 428, 429, 430, 431, 432, 433, 442, 303, 304),
        "the kernel": (298, 321, 323, 248, 249, 250, 175, 313, 246, 320, 322, 133, 259),
    },
    _AARCH64: {
        "sockets": (198, 199, 425, 426, 427),
        "processes, signals": (129, 130, 138, 240, 424, 434, 438),
        "other processes": (117, 270, 271, 272, 140, 118, 119, 122),
        "rights of files": (52, 53, 452, 54, 55, 5, 6, 7, 14, 15, 16, 463, 466),
        "times of files": (88,),
        "namespaces, mounts": (97, 268, 40, 39, 41, 51, 428, 429, 430, 431, 432, 433, 442, 264, 265),
        "the kernel": (241, 280, 282, 217, 218, 219, 105, 273, 104, 294, 281, 33),
    },
}
"""By the kernel's numbers, which differ from one architecture to the other."""
_OTHER_ABI: Final = 0x4000_0000
"""Bit of the numbers of x32, by which each call would have a second name."""


@dataclass(frozen=True)
class _Machine:
    architecture: int
    clone: int
    limits: int


_MACHINES: Final = {
    "x86_64": _Machine(_X86_64, clone=56, limits=302),
    "aarch64": _Machine(_AARCH64, clone=220, limits=261),
}
_CLONE3: Final = 435
_CLONE_THREAD: Final = 0x0001_0000

_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_LOAD, _EQUAL, _AT_LEAST, _HAS_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW: Final = 0x7FFF_0000
_KILL: Final = 0x8000_0000
_REFUSE: Final = 0x0005_0000 | 1  # EPERM
_UNKNOWN: Final = 0x0005_0000 | 38  # ENOSYS: the C library then asks in the old way, which can be looked into


def system_call_filter(machine: str | None = None) -> bytes | None:
    """The program, for this machine or the one that is named; None where its numbers are not known here."""
    known = _MACHINES.get(machine or platform.machine())
    if known is None:
        return None
    return b"".join(_instructions(known))


def _instructions(machine: _Machine) -> Iterable[bytes]:
    yield _statement(_LOAD, _ARCHITECTURE_AT)
    yield _jump(_EQUAL, machine.architecture, 1, 0)
    yield _statement(_RETURN, _KILL)
    yield _statement(_LOAD, _NUMBER_AT)
    yield _jump(_AT_LEAST, _OTHER_ABI, 0, 1)
    yield _statement(_RETURN, _REFUSE)
    yield _jump(_EQUAL, _CLONE3, 0, 1)
    yield _statement(_RETURN, _UNKNOWN)
    for number in sorted(number for numbers in _REFUSED[machine.architecture].values() for number in numbers):
        yield _jump(_EQUAL, number, 0, 1)
        yield _statement(_RETURN, _REFUSE)
    # A thread is a clone that shares everything; limits may be asked and set for oneself.
    yield _jump(_EQUAL, machine.clone, 0, 3)
    yield _statement(_LOAD, _FIRST_ARGUMENT_AT)
    yield _jump(_HAS_BIT, _CLONE_THREAD, 4, 0)
    yield _statement(_RETURN, _REFUSE)
    yield _jump(_EQUAL, machine.limits, 0, 2)
    yield _statement(_LOAD, _FIRST_ARGUMENT_AT)
    yield _jump(_EQUAL, 0, 0, 1)
    yield _statement(_RETURN, _ALLOW)
    yield _statement(_RETURN, _REFUSE)


def _statement(code: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, 0, 0, value)


def _jump(code: int, value: int, if_so: int, if_not: int) -> bytes:
    return struct.pack("=HBBI", code, if_so, if_not, value)
