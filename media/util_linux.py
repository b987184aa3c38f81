"""Programs of util-linux that give something up and become the next one: what every call of ffmpeg goes through.

They are small and in C, and cost half a millisecond each; a script that did the same would take twenty.
"""

import functools
import shutil
from collections.abc import Iterable
from typing import Final

_PROGRAMS: Final = ("setpriv", "choom", "prlimit")
_FIRST_TO_GO: Final = "1000"
_COMPLAINTS: Final = tuple(f"{name}: " for name in _PROGRAMS)


def util_linux_missing() -> str | None:
    """Which of them is not installed, in words; None where they all are."""
    missing = [name for name in _PROGRAMS if _found(name) is None]
    return f"{', '.join(missing)} of util-linux is not installed" if missing else None


def limited(limits: Iterable[tuple[str, int]]) -> list[str]:
    """What to put before a command: no new privileges, the first to go where memory runs out, and these limits.

    Args:
        limits: The names that ``prlimit`` has for them, and their values. No core is dumped in any case.
    """
    setpriv, choom, prlimit = (_found(name) or name for name in _PROGRAMS)
    return [
        *[setpriv, "--no-new-privs", "--", choom, "-n", _FIRST_TO_GO, "--", prlimit],
        *(f"--{name}={value}" for name, value in (*limits, ("core", 0))),
        "--",
    ]


def not_limited(return_code: int, said: str) -> str | None:
    """What one of them complained of instead of becoming the next program; None where it did."""
    return said.strip() if return_code in {1, 126, 127} and said.startswith(_COMPLAINTS) else None


@functools.cache
def _found(name: str) -> str | None:
    return shutil.which(name)
