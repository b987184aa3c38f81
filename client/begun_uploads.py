"""Uploads that were begun and not finished, so that another command can go on with them."""

import os
from pathlib import Path


class BegunUploads:
    """They are kept in a folder of this user's, a file each: several commands at once keep each other's.

    Args:
        folder: It is made with the first of them, for nobody else to look into.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of_user(cls) -> "BegunUploads":
        """Where the XDG base directories have such things."""
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return cls(Path(state) / "rushes" / "uploads")

    def find(self, name: str) -> str | None:
        """The path of the upload that was begun under this name."""
        try:
            return (self._folder / name).read_text(encoding="utf-8") or None
        except (OSError, ValueError):
            return None

    def remember(self, name: str, path: str | None) -> None:
        """Keep it, or forget it where ``path`` is None. A folder that can't be written to costs no upload."""
        kept = self._folder / name
        try:
            if path is None:
                kept.unlink(missing_ok=True)
                return
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)  # one that an older version made, too
            part = self._folder / f".{name}.{os.getpid()}"
            part.write_text(path, encoding="utf-8")
            part.replace(kept)
        except OSError:
            return
