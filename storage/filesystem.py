"""Work on a disk: its failures in words, and what makes it durable."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from contracts.errors import StorageFailed

_NOT_ALLOWED: Final = "this process may not write there. Check who owns it and its permissions."
_ADVICE: Final = {
    errno.ENOSPC: "the disk is full. Free some space, or point the setting at a larger disk.",
    errno.EDQUOT: "the disk quota is used up. Free some space, or have the quota raised.",
    errno.EFBIG: "the file is larger than this disk or process may have.",
    errno.EROFS: "the disk is read-only. Mount it for writing.",
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.EIO: "the disk reports a fault. Look into the system's log.",
    errno.ESTALE: "the network disk went away. Mount it again.",
    errno.EMFILE: "this process has too many files open. Raise its limit (ulimit -n).",
    errno.ENOTDIR: "a file is where a folder should be.",
    errno.ENOENT: "the folder is not there. Is its disk mounted?",
    errno.EEXIST: "something else is there already.",
}


@contextlib.contextmanager
def told_as_storage_failed(doing: str, path: Path) -> Iterator[None]:
    """Turn an ``OSError`` into ``StorageFailed`` with a sentence that says what to do.

    Args:
        doing: What was tried, as in "store the upload".
        path: The file or folder that it was about.
    """
    try:
        yield
    except OSError as error:
        why = _ADVICE.get(error.errno or 0) or f"{(error.strerror or str(error)).lower()}."
        raise StorageFailed(f"Could not {doing} in {path}: {why}") from error


def is_of_a_full_disk(error: StorageFailed) -> bool:
    """Whether it was raised for want of room on a disk of this machine."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in (errno.ENOSPC, errno.EDQUOT)


def sync_path(path: Path) -> None:
    """Make a file's content, or the names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
