"""Places where a process kills itself: ``RUSHES_FAILPOINTS``, for tests of what that leaves behind.

A place is named by what is called there and when: ``videos.finish_upload.after`` is reached when the row says that the
upload is whole, and its sender does not know yet. What is called are the parts that an entry point builds and passes
on, so nothing below it knows of failpoints, and without the setting nothing is wrapped.
"""

import inspect
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, cast

_PARTS: Final = frozenset({"videos", "upload_leases", "backlog", "deletions", "reprocessings", "editions"})
"""Of a database, what is watched by a name of its own."""

_WRITER_OF: Final = frozenset({"create_original", "continue_original"})

Part = TypeVar("Part")


class Failpoints:
    """Where this process is to kill itself.

    Args:
        setting: ``name[:count][,name…]``, where the count says which time, the first by default; or ``@`` and a file
            that says so, is read at every place, and removed before the process dies, so that the next one lives.
            None for nowhere.
    """

    def __init__(self, setting: str | None) -> None:
        self._setting = setting
        self._said = ""
        self._reached: Counter[str] = Counter()

    def around(self, name: str, part: Part) -> Part:
        """The part itself, or one that does the same and dies at its places."""
        return cast("Part", _Watched(name, part, self)) if self._setting is not None else part

    def reach(self, place: str) -> None:
        """Die here if that is wanted."""
        wanted = self._wanted()
        if place not in wanted:
            return
        self._reached[place] += 1
        if self._reached[place] == wanted[place]:
            if self._file is not None:
                self._file.unlink(missing_ok=True)
            os.kill(os.getpid(), signal.SIGKILL)

    @property
    def _file(self) -> Path | None:
        setting = self._setting or ""
        return Path(setting[1:]) if setting.startswith("@") else None

    def _wanted(self) -> Mapping[str, int]:
        said = self._setting or ""
        if self._file is not None:
            try:
                said = self._file.read_text(encoding="utf-8")
            except FileNotFoundError:
                said = ""
        if said != self._said:
            self._said = said
            self._reached.clear()
        return parse(said)


def parse(setting: str) -> Mapping[str, int]:
    """By place, at which time it is fatal.

    Raises:
        ValueError: A count is no number.
    """
    places = (place.strip().partition(":") for place in setting.split(",") if place.strip())
    return {name: int(count or 1) for name, _, count in places}


class _Watched:
    """Passes everything on, and tells of coroutines before and after."""

    def __init__(self, name: str, part: object, points: Failpoints) -> None:
        self._name = name
        self._part = part
        self._points = points

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if inspect.iscoroutinefunction(found):
            return self._told(name, found)
        if name in _PARTS:
            return _Watched(name, found, self._points)
        if name == "direct":
            return lambda: _Watched("direct", direct, self._points) if (direct := found()) is not None else None
        return found

    def _told(self, name: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        place = f"{self._name}.{name}"

        async def told(*arguments: Any, **named: Any) -> Any:
            self._points.reach(f"{place}.before")
            answer = await call(*arguments, **named)
            self._points.reach(f"{place}.after")
            return _Watched("original", answer, self._points) if name in _WRITER_OF else answer

        return told
