"""How much memory a process holds, and held at most since it was last asked."""

import re
from pathlib import Path
from typing import Final

from bench.errors import NotMeasured

_KIBI: Final = 1024
_FORGET_PEAK: Final = "5"


def resident_mebibytes(pid: int) -> float:
    """What it holds now."""
    return _read(pid, "VmRSS")


def forget_peak(pid: int) -> None:
    """Let ``peak_mebibytes`` count from here.

    Raises:
        NotMeasured: This user may not, or the process is gone.
    """
    try:
        Path(f"/proc/{pid}/clear_refs").write_text(_FORGET_PEAK, encoding="ascii")
    except OSError as error:
        raise NotMeasured(f"The peak of process {pid} can't be reset: {error.strerror}.") from error


def peak_mebibytes(pid: int) -> float:
    """The most that it held at any moment since ``forget_peak``."""
    return _read(pid, "VmHWM")


def _read(pid: int, field: str) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError as error:
        raise NotMeasured(f"Process {pid} can't be looked at: {error.strerror}.") from error
    found = re.search(rf"^{field}:\s*(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise NotMeasured(f"The kernel does not tell {field} of process {pid}.")
    return int(found[1]) / _KIBI
