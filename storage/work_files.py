"""Work files on a disk: written beside their place, durable and never replaced once they stand there.

An attempt that Temporal has given up may still be writing when the next one begins. Whoever finishes first has made the
file; the other one's is dropped, so a file that somebody has verified stays what it was.
"""

import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from storage.disk import NO_LINKS, sync_path

_PART: Final = ".part"


def begin(path: Path) -> Path:
    """Make the folder, remove what killed attempts left of this file, and return a path of this call's own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*{_PART}*"):
        left.unlink(missing_ok=True)
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}{_PART}")


def finish(part: Path, path: Path) -> None:
    """Make the part durable, then let it stand at ``path``, unless there is a file already."""
    sync_path(part)
    with contextlib.suppress(FileExistsError):
        _link(part, path)
    sync_path(path.parent)


def size_of(path: Path) -> int | None:
    """Size in bytes of a regular file, or None if there is none."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _link(part: Path, path: Path) -> None:
    try:
        os.link(part, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        if not path.exists():
            part.rename(path)
