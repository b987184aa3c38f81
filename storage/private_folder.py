"""A folder of this user alone, also where everybody may make folders, as in ``/tmp``."""

import os
import stat
from pathlib import Path
from typing import Final

from contracts.errors import StorageFailed

_OWNER_ALONE: Final = 0o700
_ROOT: Final = 0
"""Could read and change everything anyway."""


def make_private(folder: Path) -> None:
    """Make the folder, for nobody else; one that stands may stay as its operator made it.

    Where everybody may make folders, somebody may have made it before us, to read what is worked on, and to put
    something else in its place before it is published. So it has to be ours there, on the whole way to it, and is
    closed.

    Args:
        folder: May stand already.

    Raises:
        StorageFailed: It is another user's.
        OSError: It can't be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(_OWNER_ALONE, exist_ok=True)
    for place in (folder, *folder.parents):
        if _is_everybody_s(place.parent):
            _refuse_another_s(place)
    if _is_everybody_s(folder.parent) and not folder.is_symlink():
        _close(folder)


def _is_everybody_s(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IWOTH)


def _refuse_another_s(place: Path) -> None:
    owner = place.lstat().st_uid
    if owner not in {os.geteuid(), _ROOT}:
        raise StorageFailed(
            f"{place} belongs to another user of this machine (id {owner}), who could read and change what is worked "
            "on. Remove it, or set RUSHES_SCRATCH to a folder of this user alone."
        )


def _close(folder: Path) -> None:
    found = folder.stat()
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid == os.geteuid() and mode != _OWNER_ALONE:
        folder.chmod(_OWNER_ALONE)
