"""Publishing on a local disk: a folder with all of a video's files appears at once.

    work/{id}/…, … ──link or copy──▶ processed/.moving/{id}.…/a, b ──one rename──▶ processed/{id}/a, b

The work files go last, so a run that is killed anywhere can be run again. An earlier folder is renamed aside first, to
``.moving`` too: for an instant nothing is published, never a mixture.
"""

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from contracts.errors import WorkMissing
from storage.disk import NO_LINKS, sync_path
from storage.keys import checked_name
from storage.work_files import size_of

_MOVING: Final = ".moving"
_LOCK_SUFFIX: Final = "lock"
_ATTEMPTS: Final = 10


def publish(sources: Mapping[str, tuple[Path, int]], target: Path) -> None:
    """Move files to the folder ``target``, all at once.

    Of two callers at once, also in two processes, the second waits for the first.

    Args:
        sources: Where each file is and its size in bytes, by its name in ``target``.
        target: The video's folder among the processed ones.

    Raises:
        OSError: The disk refused. Nothing of this call is published then.
        WorkMissing: A file is neither at its source nor published.
    """
    wanted = {checked_name(name): source for name, source in sources.items()}
    with _alone(target):
        missing = [name for name, (source, size_bytes) in wanted.items() if size_of(source) != size_bytes]
        if missing:
            _check_published_already(wanted, target, missing)
            return
        staging = _moving_folder(target)
        staging.mkdir()
        try:
            for name, (source, _) in wanted.items():
                _stage(source, staging / name)
            sync_path(staging)
            _set_aside(target)
            staging.rename(target)
            sync_path(target.parent)
        finally:
            _remove_leftovers(target)
        for source, _ in wanted.values():
            source.unlink(missing_ok=True)


def withdraw(target: Path) -> None:
    """Remove the folder of a video, all at once to whoever looks; nothing there is a success.

    Raises:
        OSError: The disk refused.
    """
    if target.parent.exists():
        with _alone(target):
            _set_aside(target)
            _remove_leftovers(target)


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it; one that is gone, or goes meanwhile, is a success.

    Raises:
        OSError: The disk refused.
    """
    attempts = 0
    while attempts < _ATTEMPTS:
        try:
            shutil.rmtree(folder)
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


def _check_published_already(wanted: Mapping[str, tuple[Path, int]], target: Path, missing: list[str]) -> None:
    if any(size_of(target / name) != size_bytes for name, (_, size_bytes) in wanted.items()):
        folders = ", ".join(sorted({str(wanted[name][0].parent) for name in missing}))
        raise WorkMissing(
            f"Could not publish the video: {', '.join(missing)} is neither in {folders} nor in {target}. Was scratch "
            "cleaned, or is it not shared by all workers (RUSHES_SCRATCH)?"
        )


def _stage(source: Path, staged: Path) -> None:
    """Bring one file to staging, durably."""
    try:
        os.link(source, staged, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        shutil.copyfile(source, staged)
    sync_path(staged)


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
