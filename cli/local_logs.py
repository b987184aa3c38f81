"""What the logs of a stack on this machine say of one video."""

import json
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

_FILES: Final = ("api.log", "worker.log")
_OLDER: Final = ".1"
_SAID_ELSEWHERE: Final = frozenset(
    {"event", "level", "logger", "timestamp", "video_id", "run_id", "exception", "user_id", "client"}
    | {"temporal_workflow", "temporal_activity", "__temporal_error_identifier"}
)


_LOOKS: Final = frozenset({"GET", "HEAD"})
_FIRST_FAILURE: Final = 400


def log_lines(folder: Path, video_id: str, *, most: int) -> list[str]:
    """The newest lines about the video, those of all parts in the order of their time; none where there are no logs.

    Args:
        folder: Of the logs.
        video_id: Of the video.
        most: Lines.
    """
    found: list[tuple[str, str]] = []
    for name in _FILES:
        lines: deque[tuple[str, dict[str, Any]]] = deque(maxlen=most)
        for path in (folder / (name + _OLDER), folder / name):
            lines.extend(_about(path, video_id))
        found += [_told(name.partition(".")[0], *line) for line in lines]
    return [line for _, line in sorted(found)[-most:]]


def _about(path: Path, video_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Lines about the video, as they stand and as they were read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if video_id in line and not _is_a_look(read := _read(line)):
                    yield line, read
    except OSError:
        return


def _is_a_look(read: dict[str, Any]) -> bool:
    """Who looks at a video, as this very command does, is not part of its story."""
    return read.get("method") in _LOOKS and read.get("event") == "request" and read.get("status", 0) < _FIRST_FAILURE


def _read(line: str) -> dict[str, Any]:
    try:
        read = json.loads(line)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _told(part: str, line: str, read: dict[str, Any]) -> tuple[str, str]:
    """The time, to sort by, and the line as people read it."""
    try:
        moment = datetime.fromisoformat(read["timestamp"])
    except (ValueError, KeyError, TypeError):
        return "", f"{part}: {line.strip()}"
    said = [f"{name}={value}" for name, value in read.items() if name not in _SAID_ELSEWHERE]
    more = " ".join(said + [str(one["exc_value"]) for one in read.get("exception") or () if one.get("exc_value")])
    text = f"{moment.astimezone():%H:%M:%S} {part:<6} {read.get('level', ''):<7} {read.get('event', '')} {more}"
    return moment.isoformat(), text.rstrip()
