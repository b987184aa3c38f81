"""Started in the place of a program, this gives up what the program is not to have, and then becomes it.

Run as a script by ``media.sandbox``, without the site packages, so that it costs a hundredth of a second; it imports
nothing of ours. What it does can't be undone by what it becomes: the kernel holds on to all of it.

    confined.py [--read=PATH]… [--write=PATH]… [--run=PATH]… [--filter=HEX] -- PROGRAM ARGUMENT…
"""

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Sequence

FAILED_WITH = 125
"""Exit code where something could not be given up, or the program could not be started."""
FAILURE = "confined: "
"""What its complaint begins with."""

_SIGPIPE, _SIGXFSZ = 13, 25  # the signal module takes longer to import than all of this
_SET_SECCOMP, _SECCOMP_FILTER, _DROP_BOUNDING, _NO_NEW_PRIVILEGES, _AMBIENT, _CLEAR_ALL = 22, 2, 24, 38, 47, 4
_CAPABILITY_VERSION_3 = 0x20080522
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF, _VERSION_FLAG, _PATH_BENEATH = 444, 445, 446, 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = (1 << bit for bit in (0, 1, 2, 3, 14))
_RIGHTS_BITS = (13, 14, 15, 15, 16)
"""How many rights over files the first versions of Landlock know; later ones know as many as the last."""
_TCP_SINCE, _SCOPES_SINCE = 4, 6
_BIND_AND_CONNECT = _ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> None:
    """Give up what the options say, and become the program. Returns only by raising ``OSError``."""
    end = arguments.index("--")
    options, command = arguments[:end], arguments[end + 1 :]
    values = [option.partition("=")[::2] for option in options]
    for signal_number in (_SIGPIPE, _SIGXFSZ):  # Python ignores them, and what it becomes would as well
        _libc.signal(signal_number, 0)
    _prctl(_NO_NEW_PRIVILEGES, 1)
    _restrict_files(_of("--read", values), _of("--write", values), _of("--run", values))
    _drop_capabilities()
    for program in _of("--filter", values):
        _filter_system_calls(bytes.fromhex(program))
    os.execve(command[0], command, {})  # noqa: S606  no shell is wanted


def landlock_version() -> int:
    """Which version of Landlock this kernel has; 0 for none."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION_FLAG))))


def _of(name: str, values: Sequence[tuple[str, ...]]) -> list[str]:
    return [value for option, value in values if option == name]


def _restrict_files(reads: Sequence[str], writes: Sequence[str], runs: Sequence[str]) -> None:
    """From here on these files can be opened in these ways, and no others."""
    version = landlock_version()
    if version == 0:
        raise OSError(errno.ENOSYS, "this kernel has no Landlock")
    handled = (1 << _RIGHTS_BITS[min(version, len(_RIGHTS_BITS)) - 1]) - 1
    rules = struct.pack("=Q", handled)
    if version >= _TCP_SINCE:
        rules += struct.pack("=Q", _BIND_AND_CONNECT)
    if version >= _SCOPES_SINCE:
        rules += struct.pack("=Q", _ABSTRACT_SOCKETS_AND_SIGNALS)
    ruleset = _call(_CREATE_RULESET, rules, ctypes.c_size_t(len(rules)), ctypes.c_uint(0))
    to_read, to_write = _READ_FILE | _READ_DIR, _READ_FILE | _WRITE_FILE | _TRUNCATE
    to_run = _EXECUTE | _READ_FILE | _READ_DIR
    for paths, rights in ((reads, to_read), (writes, to_write), (runs, to_run)):
        for path in paths:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            allowed = rights & handled & (-1 if os.path.isdir(path) else ~_READ_DIR)  # noqa: PTH112
            rule = struct.pack("=Qi", allowed, place)
            _call(_ADD_RULE, ruleset, ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint(0))
            os.close(place)
    _call(_RESTRICT_SELF, ruleset, ctypes.c_uint(0))
    os.close(ruleset)


def _drop_capabilities() -> None:
    """Also those that root would have again after the next exec."""
    _libc.prctl(_AMBIENT, ctypes.c_ulong(_CLEAR_ALL), *_zeros(3))
    for capability in range(64):  # one that is not there, or that we have not, is no fault
        _libc.prctl(_DROP_BOUNDING, ctypes.c_ulong(capability), *_zeros(3))
    header, nothing = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24)
    if _libc.capset(header, nothing) != 0:
        raise OSError(ctypes.get_errno(), "capabilities can't be dropped")


def _filter_system_calls(program: bytes) -> None:
    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))

    filtered = Program(len(program) // 8, program)
    if _libc.prctl(_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_FILTER), ctypes.byref(filtered), *_zeros(2)) != 0:
        raise OSError(ctypes.get_errno(), "system calls can't be filtered")


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), *_zeros(3)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _zeros(count: int) -> list[ctypes.c_ulong]:
    return [ctypes.c_ulong(0)] * count


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        sys.stderr.write(f"{FAILURE}{error.strerror}{where}\n")
        sys.exit(FAILED_WITH)
