"""The small file by which a place is known, and the one that says which database it belongs to.

Its address would not do: the same path on two machines may be two folders, and two paths one; the same bucket's name at
two servers is two buckets, and one server may have two addresses.
"""

import os
import secrets
from pathlib import Path
from typing import Final

from storage.filesystem import told_as_storage_failed

MARKER: Final = ".rushes-place"
OWNER: Final = ".rushes-database"
MARK_BYTES: Final = 32


def new_mark() -> str:
    """What nobody else comes upon: ``MARK_BYTES`` hexadecimal digits."""
    return secrets.token_hex(MARK_BYTES // 2)


def mark_of(folder: Path) -> str:
    """What the folder's marker says. It gets its name when it is whole, and the first one stays.

    Raises:
        StorageFailed: The folder can't be marked.
    """
    return _said_first(folder / MARKER, new_mark())


def owner_of(folder: Path) -> str | None:
    """Which database the folder belongs to; None for none. Raises ``StorageFailed``."""
    with told_as_storage_failed("read whose files these are", folder):
        return _read(folder / OWNER) or None


def claim_folder(folder: Path, database: str, *, replace: bool) -> str:
    """Have the folder belong to this database, if it belongs to none, or in any case; which one it belongs to then.

    Raises:
        StorageFailed: It can't be written there.
    """
    return _said_first(folder / OWNER, database, replace=replace)


def _said_first(file: Path, content: str, *, replace: bool = False) -> str:
    with told_as_storage_failed("mark the folder", file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
        while replace or not _read(file):
            part = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
            try:
                part.write_text(f"{content}\n", encoding="ascii")
                if replace:
                    part.replace(file)
                else:
                    _name(part, file)
            finally:
                part.unlink(missing_ok=True)
            replace = False
        return _read(file)


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
