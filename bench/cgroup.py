"""Shares of a core for processes, by the kernel's control groups, version 2 or 1."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.errors import NotMeasured

_PERIOD_MICROSECONDS: Final = 100_000
_ROOT: Final = Path("/sys/fs/cgroup")
_END_SECONDS: Final = 10.0


@contextmanager
def limited_group(name: str, cores: float) -> Iterator[Path]:
    """A control group of its own whose processes together get ``cores`` of a core; removed at the end.

    Yields:
        The file that a process writes its id to, to be in the group; its children then are too.

    Raises:
        NotMeasured: Groups can't be made here.
    """
    quota = round(cores * _PERIOD_MICROSECONDS)
    folder = _parent() / f"rushes-bench-{os.getpid()}-{name}"
    try:
        folder.mkdir()
    except OSError as error:
        raise NotMeasured(f"Control groups can't be made in {folder.parent}: {error.strerror}.") from error
    try:
        if (folder / "cpu.max").exists():
            (folder / "cpu.max").write_text(f"{quota} {_PERIOD_MICROSECONDS}")
        else:
            (folder / "cpu.cfs_period_us").write_text(str(_PERIOD_MICROSECONDS))
            (folder / "cpu.cfs_quota_us").write_text(str(quota))
        yield folder / "cgroup.procs"
    finally:
        _remove(folder)


def entering(procs: Path, command: tuple[str, ...]) -> tuple[str, ...]:
    """The command, made to enter a group before it does anything."""
    return ("sh", "-c", 'echo $$ > "$0" && exec "$@"', str(procs), *command)


def _parent() -> Path:
    """Where groups with a share of the processor can be made."""
    for root in (_ROOT, _ROOT / "unified"):
        control = root / "cgroup.subtree_control"
        if control.exists() and "cpu" in control.read_text().split():
            return root
    for root in (_ROOT / "cpu", _ROOT / "cpu,cpuacct"):
        if (root / "cpu.cfs_quota_us").exists():
            return root
    raise NotMeasured(f"No control group of {_ROOT} limits the processor here.")


def _remove(folder: Path) -> None:
    """The kernel refuses while a process is in it, and one that has just ended still is for a moment."""
    deadline = time.monotonic() + _END_SECONDS
    while True:
        try:
            return folder.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
