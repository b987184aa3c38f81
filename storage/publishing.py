"""Publishing on a local disk: a folder with all of a video's files appears at once.

    scratch/{id}/a, b ──link or copy──▶ processed/.moving/{id}.…/a, b ──one rename──▶ processed/{id}/a, b

Scratch is emptied last, so a run that is killed anywhere can be run again. An earlier folder is renamed aside first, to
``.moving`` too: for an instant nothing is published, never a mixture.
"""

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from contracts.errors import StorageFailed
from storage.disk import sync_path
from storage.keys import checked_name, video_folder

_MOVING: Final = ".moving"
_LOCK_SUFFIX: Final = "lock"
_ATTEMPTS: Final = 10
_NO_LINKS: Final = (errno.EXDEV, errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)


def publish(scratch: Path, processed: Path, video_id: str, names: Sequence[str]) -> dict[str, int]:
    """Move the named files of ``scratch/{video_id}`` to ``processed/{video_id}``, all at once.

    Of two callers at once, also in two processes, the second waits for the first.

    Returns:
        Size in bytes of each published file, by name.

    Raises:
        OSError: The disk refused. Nothing of this call is published then.
        StorageFailed: A file is neither in scratch nor published.
    """
    source, target = video_folder(scratch, video_id), video_folder(processed, video_id)
    wanted = [checked_name(name) for name in names]
    with _alone(target):
        missing = [name for name in wanted if _size(source / name) is None]
        if missing:
            return _published_already(source, target, wanted, missing)
        staging = _moving_folder(target)
        staging.mkdir()
        try:
            sizes = {name: _stage(source / name, staging / name) for name in wanted}
            sync_path(staging)
            _set_aside(target)
            staging.rename(target)
            sync_path(processed)
        finally:
            _remove_leftovers(target)
        for name in wanted:
            (source / name).unlink(missing_ok=True)
    return sizes


def withdraw(processed: Path, video_id: str) -> None:
    """Remove ``processed/{video_id}``, all at once to whoever looks; nothing there is a success.

    Raises:
        OSError: The disk refused.
    """
    target = video_folder(processed, video_id)
    if processed.exists():
        with _alone(target):
            _set_aside(target)
            _remove_leftovers(target)


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it; one that is gone, or goes meanwhile, is a success.

    Raises:
        OSError: The disk refused.
    """
    for _ in range(_ATTEMPTS):
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            if not folder.exists():
                return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
        else:
            return
    raise OSError(errno.ENOTEMPTY, f"{folder} is being written to")


def _published_already(source: Path, target: Path, wanted: Sequence[str], missing: Sequence[str]) -> dict[str, int]:
    sizes = {name: _size(target / name) for name in wanted}
    published = {name: size for name, size in sizes.items() if size is not None}
    if len(published) < len(wanted):
        raise StorageFailed(
            f"Could not publish the video: {', '.join(missing)} is neither in {source} nor in {target}. Was scratch "
            "cleaned, or is it not shared by all workers (RUSHES_SCRATCH)?"
        )
    return published


def _stage(source: Path, staged: Path) -> int:
    """Bring one file to staging, durably; return its size in bytes."""
    try:
        os.link(source, staged, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copyfile(source, staged)
    sync_path(staged)
    return staged.stat().st_size


def _set_aside(target: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        target.rename(_moving_folder(target))


def _remove_leftovers(target: Path) -> None:
    """Remove the video's folders that were set aside, and staging of runs that failed or were killed."""
    for folder in (target.parent / _MOVING).iterdir():
        name, _, suffix = folder.name.rpartition(".")
        if name == target.name and suffix != _LOCK_SUFFIX:
            remove_folder(folder)


@contextlib.contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Hold the video's lock; the kernel takes it from a process that dies."""
    moving = target.parent / _MOVING
    moving.mkdir(parents=True, exist_ok=True)
    path = moving / f"{target.name}.{_LOCK_SUFFIX}"
    while True:
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_still(path, file.fileno()):
                continue  # who held it before us has removed it, and the next one would lock another file
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _moving_folder(target: Path) -> Path:
    """A path of this call's own, on the file system of ``target`` and out of sight."""
    return target.parent / _MOVING / f"{target.name}.{secrets.token_hex(8)}"


def _size(path: Path) -> int | None:
    """Size in bytes of a regular file, or None if there is none."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
