"""A line of shell that limits itself and becomes the next program: what every call of ffmpeg goes through.

A shell starts in half a millisecond and sets all of it. util-linux's programs would be one process for each thing, and
a script in Python would take twenty milliseconds.
"""

from typing import Final

from media.lifeline import HOLDS

_SHELL: Final = "/bin/sh"
_NAME: Final = "rushes-limits"
"""What the shell takes itself for, and so what its complaints begin with."""

_BLOCK_BYTES: Final = 512
"""What POSIX counts the size of files in."""

_BECOMES: Final = 'unset PWD OLDPWD SHLVL; exec "$@"'
"""Without what a shell puts into an environment that was empty."""

_BECOMES_WITHOUT_INPUT: Final = f"{_BECOMES} < /dev/null"

_FIRST_TO_GO: Final = 1000
_COULD_NOT: Final = frozenset({1, 2, 126, 127})


def limited(*, processor_seconds: int, file_bytes: int, open_files: int, has_lifeline: bool) -> list[str]:
    """What to put before a command: these limits, no core dump, and the first to go where memory runs out.

    Args:
        processor_seconds: Of all its threads together.
        file_bytes: How large a file may become that it writes, rounded down to half a KiB.
        open_files: How many it may have.
        has_lifeline: It is looked at here; else standard input stays for who looks at it.
    """
    blocks = file_bytes // _BLOCK_BYTES
    limits = f"ulimit -t {processor_seconds}; ulimit -f {blocks}; ulimit -n {open_files}; ulimit -c 0"
    first_to_go = f"echo {_FIRST_TO_GO} > /proc/self/oom_score_adj"
    begins, becomes = (f"{HOLDS}; ", _BECOMES_WITHOUT_INPUT) if has_lifeline else ("", _BECOMES)
    return [_SHELL, "-c", f"set -e; {begins}{limits}; {first_to_go}; {becomes}", _NAME]


def while_lifeline_holds() -> list[str]:
    """What to put before a command that starts only if its lifeline, which is standard input, holds."""
    return [_SHELL, "-c", f"set -e; {HOLDS}; {_BECOMES_WITHOUT_INPUT}", _NAME]


def not_limited(return_code: int, said: str) -> str | None:
    """What the shell complained of instead of becoming the next program; None where it did."""
    return said.strip() if return_code in _COULD_NOT and said.startswith(f"{_NAME}: ") else None
