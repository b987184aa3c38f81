"""Which disk a file is on, found out without asking any: each has questions of its own."""

import os
import re
from pathlib import Path
from typing import Final

from threads.looks import looked
from threads.questions import Questions

_MOUNTS: Final = Path("/proc/self/mountinfo")
_MOUNT_POINT: Final = 4
"""Which field of a line it is (proc(5))."""

_ESCAPED: Final = re.compile(r"\\([0-7]{3})")


class Disks:
    """The disks of this machine.

    Args:
        mounts: Where the kernel tells what is mounted.
    """

    def __init__(self, mounts: Path = _MOUNTS) -> None:
        self._mounts = mounts
        self._questions: dict[Path, Questions] = {}

    async def of(self, path: Path) -> Questions:
        """Those to the disk of this file. A link is not followed, as that would ask it."""
        mounted_at = await looked(self._mounted_at, path)
        return self._questions.setdefault(mounted_at, Questions(f"The disk at {mounted_at}"))

    def _mounted_at(self, path: Path) -> Path:
        points = self._mount_points()
        place = Path(os.path.abspath(path))  # noqa: PTH100  resolve() would ask the disk
        return next((folder for folder in place.parents if str(folder) in points), Path("/"))

    def _mount_points(self) -> set[str]:
        try:
            lines = self._mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        except OSError:
            return set()  # not told: all count as one
        points = (line.split(" ")[_MOUNT_POINT] for line in lines if line.count(" ") > _MOUNT_POINT)
        return {_ESCAPED.sub(lambda escaped: chr(int(escaped[1], 8)), point) for point in points}
