"""The files of the page, read when they are first asked for and again when they have changed."""

import hashlib
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Final

_MEDIA_TYPES: Final = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
"""Of the kinds of files that the page has; nothing else of its folder is served."""

_LONGEST_NAME: Final = 60
"""Of letters; each may take four bytes, and a file system has 255."""


@dataclass(frozen=True)
class PageFile:
    """One file.

    Attributes:
        content: Its bytes.
        media_type: Of it.
        etag: Changes with the content, whatever an installation does to the times of files.
        modified: When it was, as HTTP writes it.
    """

    content: bytes
    media_type: str
    etag: str
    modified: str


class PageFiles:
    """What of a folder is served.

    Args:
        folder: With the files, and no folder below it that is served.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[tuple[int, int], PageFile]] = {}

    def get(self, name: str) -> PageFile | None:
        """The file of that name, or None where there is none."""
        if len(name) > _LONGEST_NAME:
            return None  # a file system refuses to look for some of these
        path = self._folder / name
        media_type = _MEDIA_TYPES.get(path.suffix)
        if media_type is None or path.parent != self._folder or not path.is_file():
            return None
        status = path.stat()
        version = (status.st_mtime_ns, status.st_size)
        known = self._read.get(name)
        if known is None or known[0] != version:
            content = path.read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            known = (version, PageFile(content, media_type, tag, formatdate(status.st_mtime, usegmt=True)))
            self._read[name] = known
        return known[1]
