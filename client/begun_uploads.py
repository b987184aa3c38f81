"""Uploads that were begun and not finished, so that another command can go on with them."""

import json
import os
from pathlib import Path


class BegunUploads:
    """They are kept in a file of this user's.

    Args:
        file: A JSON object: from a name of file and wishes to the path of the upload.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    @classmethod
    def of_user(cls) -> "BegunUploads":
        """Where the XDG base directories have such things."""
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return cls(Path(state) / "rushes" / "uploads.json")

    def find(self, name: str) -> str | None:
        """The path of the upload that was begun under this name."""
        return self._read().get(name)

    def remember(self, name: str, path: str | None) -> None:
        """Keep it, or forget it where ``path`` is None. A folder that can't be written to costs no upload."""
        known = {**self._read(), name: path}
        kept = {name: path for name, path in known.items() if path is not None}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part = self._file.with_name(f"{self._file.name}.{os.getpid()}")
            part.write_text(json.dumps(kept, indent=1))
            part.rename(self._file)
        except OSError:
            return

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}
