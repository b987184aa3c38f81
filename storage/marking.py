"""The small file by which a place is known.

Its address would not do: the same path on two machines may be two folders, and two paths one; the same bucket's name at
two servers is two buckets, and one server may have two addresses.
"""

import os
import secrets
from pathlib import Path
from typing import Final

from storage.filesystem import told_as_storage_failed

MARKER: Final = ".rushes-place"
MARK_BYTES: Final = 32


def new_mark() -> str:
    """What nobody else comes upon: ``MARK_BYTES`` hexadecimal digits."""
    return secrets.token_hex(MARK_BYTES // 2)


def mark_of(folder: Path) -> str:
    """What the folder's marker says. It gets its name when it is whole, and the first one stays.

    Raises:
        StorageFailed: The folder can't be marked.
    """
    marker = folder / MARKER
    with told_as_storage_failed("mark the folder", folder):
        folder.mkdir(parents=True, exist_ok=True)
        while not (mark := _read(marker)):
            part = folder / f"{MARKER}.{secrets.token_hex(8)}"
            try:
                part.write_text(f"{new_mark()}\n", encoding="ascii")
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
