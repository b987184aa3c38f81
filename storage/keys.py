"""What a storage key and the names in it may be, so that none leads out of its folder."""

from pathlib import Path
from typing import Final

from contracts.errors import OriginalMissing, WorkMissing
from contracts.storage_keys import ORIGINALS_PREFIX

MOST_NAME_BYTES: Final = 200
"""Longest name of one file or folder: file systems take 255 bytes, and ours add a suffix at times."""


class InvalidKey(ValueError):
    """A key or name that could lead out of its folder, or that no file system takes. A mistake of the caller."""


def checked_name(name: str) -> str:
    """Return ``name`` if it can be the name of one visible file or folder.

    Raises:
        InvalidKey: It can't.
    """
    refused = not name or name.startswith(".") or "/" in name or "\\" in name or not name.isprintable()
    # What isn't printable includes line breaks, NUL, and halves of surrogate pairs, so encoding can't fail after it.
    if refused or len(name.encode()) > MOST_NAME_BYTES:
        raise InvalidKey(f"{name[:MOST_NAME_BYTES]!r} can't be part of a storage key.")
    return name


def checked_key(key: str) -> str:
    """Return ``key`` if it is a relative path of names.

    Raises:
        InvalidKey: It is not, or goes up.
    """
    for part in key.split("/"):
        checked_name(part)
    return key


def path_below(folder: Path, key: str) -> Path:
    """The path of ``key`` below ``folder``.

    Raises:
        InvalidKey: The key is not a relative path of names, or goes up.
    """
    return folder.joinpath(*checked_key(key).split("/"))


def missing(key: str, where: str) -> OriginalMissing | WorkMissing:
    """The error of a file that is not where it should be.

    Args:
        key: Of the file.
        where: The folders or the bucket in which it was looked for.
    """
    if key.startswith(ORIGINALS_PREFIX):
        return OriginalMissing("The uploaded file is not in storage any more. Upload it again.")
    return WorkMissing(f"{key} is not in {where}. Was it cleaned, or is that not what all workers share?")
