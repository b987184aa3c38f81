"""The log file of one child: where its output goes, and its last lines for a message."""

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

_ROTATE_BYTES: Final = 10 * 1024 * 1024
_TAIL_BYTES: Final = 64 * 1024
_LINE_LENGTH: Final = 300
WAITS: Final = frozenset({"worker_waits", "api waits"})
"""Events whose ``reason`` says what a process waits for at its start; said every five seconds while it lasts."""
_OVER: Final = "worker_ready"
"""It waits for nothing any more."""
_LASTS: Final = timedelta(seconds=10)
"""After so long without being said again, a wait has ended: two of these pauses."""


class ChildLog:
    """One file, appended to over restarts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start = 0

    def rotate(self) -> None:
        """Have a file that has grown large begin anew; what it held is in ``….1`` then.

        The child goes on writing at the file's end meanwhile. What it writes between the copy and the new beginning is
        lost: it has no way to be told to take another file.
        """
        if not self.path.exists() or self.path.stat().st_size <= _ROTATE_BYTES:
            return
        with contextlib.suppress(OSError):  # a disk that is full is full of this
            shutil.copyfile(self.path, self.path.with_name(self.path.name + ".1"))
        os.truncate(self.path, 0)
        self._start = 0

    def mark(self) -> None:
        """Let ``tail`` begin here: what an earlier process wrote does not explain a later one's end."""
        self._start = self.path.stat().st_size if self.path.exists() else 0

    def tail(self, lines: int = 12) -> str:
        """The last lines since ``mark``, those of structured logs made readable."""
        return "\n".join(_readable(line)[:_LINE_LENGTH] for line in self._written()[-lines:])

    def awaited(self) -> str:
        """What the process says that it waits for, since ``mark`` and by now; empty where that is nothing."""
        told = (_fields(line) for line in reversed(self._written()))
        last = next((fields for fields in told if fields.get("event") in WAITS | {_OVER}), None)
        if last is None or last["event"] == _OVER or not _is_said_still(last):
            return ""
        return str(last["reason"])

    def _written(self) -> list[str]:
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(self._start, size - _TAIL_BYTES))
                text = file.read().decode("utf-8", errors="replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()]


def _fields(line: str) -> dict[str, Any]:
    """Of a line that is a JSON object; none of another."""
    try:
        fields: Any = json.loads(line)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _is_said_still(fields: Mapping[str, Any]) -> bool:
    """Whether a line was written so lately that another would not be due since."""
    try:
        written = datetime.fromisoformat(str(fields.get("timestamp")))
    except ValueError:
        return False
    return written.tzinfo is not None and datetime.now(UTC) - written < _LASTS


def _readable(line: str) -> str:
    """A JSON object as ``level: event (exception)``; anything else as it is."""
    fields = _fields(line)
    event = fields.get("event") or fields.get("msg") or fields.get("message")
    if not event:
        return line
    parts = [f"{fields.get('level', 'info')}: {event}"]
    parts += [f"{name}={fields[name]}" for name in ("error", "reason") if fields.get(name)]
    for failure in _exceptions(fields.get("exception")):
        parts.append(f"({failure.get('exc_type')}: {failure.get('exc_value')})")
    return " ".join(parts)


def _exceptions(rendered: Any) -> list[dict[str, Any]]:
    return [one for one in rendered if isinstance(one, dict)][:1] if isinstance(rendered, list) else []
