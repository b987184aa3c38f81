"""Which place this is: two processes have the same one if, and only if, they see the same files.

A folder is known by a small file in it, which whoever comes first makes. Its path would not do: the same path on two
machines may be two folders, and two paths one.
"""

import hashlib
import os
import secrets
from pathlib import Path
from typing import Final

from storage.filesystem import off_loop, told_as_storage_failed
from storage.location import StoragePlace

MARKER: Final = ".rushes-place"
_DIGITS: Final = 8


async def storage_identity(place: StoragePlace) -> str:
    """Eight hexadecimal digits that stand for the place; the folders are marked where nobody has done so.

    Raises:
        StorageFailed: A folder can't be marked.
    """
    if place.bucket is not None:
        known_by = str(place.bucket)
    else:
        known_by = " ".join([await off_loop(_mark_of, folder) for folder in (place.uploads, place.scratch)])
    return hashlib.sha256(known_by.encode()).hexdigest()[:_DIGITS]


def _mark_of(folder: Path) -> str:
    """What the folder's marker says. It gets its name when it is whole, and the first one stays."""
    marker = folder / MARKER
    with told_as_storage_failed("mark the folder", folder):
        folder.mkdir(parents=True, exist_ok=True)
        while not (mark := _read(marker)):
            part = folder / f"{MARKER}.{secrets.token_hex(8)}"
            try:
                part.write_text(f"{secrets.token_hex(16)}\n", encoding="ascii")
                _name(part, marker)
            finally:
                part.unlink(missing_ok=True)
    return mark


def _read(marker: Path) -> str:
    try:
        return marker.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""


def _name(part: Path, marker: Path) -> None:
    try:
        os.link(part, marker)
    except FileExistsError:
        return
    except OSError:  # a file system without links; then the last of those that come at the same moment stays
        part.rename(marker)
