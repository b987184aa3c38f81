"""Files on a disk that stand under their name whole and durable, or not at all.

An attempt that Temporal has given up may still be writing when the next one begins. Whoever finishes first has made the
file; the other one's is dropped, so a file that somebody has verified stays what it was.
"""

import contextlib
import errno
import os
import random
import secrets
import shutil
import stat
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from storage.filesystem import sync_path
from threads.files import GoOn

PART: Final = ".part"
_ATTEMPTS: Final = 10
_PLACING_ATTEMPTS: Final = 50
_MOST_PAUSE_SECONDS: Final = 0.02
_NO_LINKS: Final = (errno.EXDEV, errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
"""How a file system says that it can't give one file two names."""


def begin(path: Path) -> Path:
    """Make the folder, remove what killed attempts left of this file, and return a path of this call's own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in parts_of(path):
        left.unlink(missing_ok=True)
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}{PART}")


def parts_of(path: Path) -> list[Path]:
    """What was begun to stand at ``path``."""
    return list(path.parent.glob(f".{path.name}.*{PART}*"))


def remove_abandoned(parts: Iterable[Path], before: float) -> int | None:
    """Remove those that nobody has written to since, by the disk's clock; how many bytes that was, None of none."""
    removed = []
    for part in parts:
        found = stat_of(part)
        if found is not None and found.st_mtime < before:
            part.unlink(missing_ok=True)
            removed.append(found.st_size)
    return sum(removed) if removed else None


def finish(part: Path, path: Path) -> bool:
    """Make the part durable, then let it stand at ``path``; False where there is a file already, which stays."""
    sync_path(part)
    try:
        return _has_linked(part, path)
    finally:
        sync_path(path.parent)


def place_again(source: Path, path: Path) -> None:
    """Let a finished file also stand at ``path``, in place of what stands there; perhaps on another file system.

    Another attempt may do the same meanwhile and be faster, so that the source goes.
    """
    for tries_left in reversed(range(_PLACING_ATTEMPTS)):
        part = begin(path)
        try:
            _link_or_copy(source, part)
            sync_path(part)
            part.rename(path)
            sync_path(path.parent)
        except FileNotFoundError:  # another attempt took our part for a leftover, or has moved the source
            if not source.exists() and path.exists():
                return
            if not tries_left:
                raise
            time.sleep(random.uniform(0, _MOST_PAUSE_SECONDS))  # noqa: S311  two that take turns would never end
        else:
            return
        finally:
            part.unlink(missing_ok=True)  # two names of one file are not renamed but left as they are


def size_of(path: Path) -> int | None:
    """Size in bytes of a regular file, or None if there is none."""
    found = stat_of(path)
    return found.st_size if found is not None else None


def is_finished(path: Path) -> bool:
    """Whether a path is of a file that stands, by its name; what is hidden or a part is on its way."""
    return not path.name.startswith(".") and path.suffix != PART


def stat_of(path: Path) -> os.stat_result | None:
    """What the disk says of a regular file, or None if there is none."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def without_part(path: Path) -> Path:
    """The file that a part was to become; another file is itself."""
    name = path.name.removesuffix(PART)
    if name != path.name and name.startswith("."):
        name = name[1:].rpartition(".")[0]  # without the token of the call that wrote it
    return path.with_name(name)


def remove_file(path: Path, go_on: GoOn) -> None:
    """Remove a file; one that is gone is a success. Raises as ``remove_folder``."""
    go_on()
    path.unlink(missing_ok=True)


def remove_folder(folder: Path, go_on: GoOn) -> None:
    """Remove a folder with all that is in it; one that is gone, or goes meanwhile, is a success.

    Raises:
        OSError: The disk refused.
        GivenUp: It is not to go any more; some of it may be gone.
    """
    attempts = 0
    while attempts < _ATTEMPTS:
        try:
            _remove_all(folder, go_on)
        except FileNotFoundError:  # somebody else removes it too, so there is less of it each time
            if not folder.exists():
                return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            attempts += 1
        else:
            return
    raise OSError(errno.ENOTEMPTY, f"{folder} is being written to")


def _remove_all(folder: str | Path, go_on: GoOn, within: int | None = None) -> None:
    """As ``shutil.rmtree``, which asks nobody between a name and the next one.

    Names are taken within the folder that was opened, so that one that is exchanged for a link meanwhile leads nowhere.

    Args:
        folder: Its path, or its name in ``within``.
        go_on: Asked before each name goes.
        within: Descriptor of the folder that it is in.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=within)
    try:
        with os.scandir(opened) as entries:
            found = list(entries)
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                _remove_all(entry.name, go_on, opened)
                continue
            go_on()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(entry.name, dir_fd=opened)
    finally:
        os.close(opened)
    go_on()
    os.rmdir(folder, dir_fd=within)


def _link_or_copy(source: Path, part: Path) -> None:
    try:
        os.link(source, part, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copyfile(source, part)


def _has_linked(part: Path, path: Path) -> bool:
    """False where there is a file already."""
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if path.exists():
            return False
        part.rename(path)
    return True
