"""How much memory the encodes of one process, and its looks into uploads, may hold together.

Eight encodes of 8K side by side are one for the kernel's out-of-memory killer. Each encode says what it takes at most,
by estimate from its picture's size, and waits until there is room. One that is larger than everything runs alone.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

_PART_FOR_ENCODES: Final = 0.7
PART_FOR_ONE: Final = 0.9
"""A program that holds more would take the worker with it."""
_GROUP: Final = "0::/"
"""Before the path of this process's control group."""


class Capacity:
    """Room that is shared; whoever comes first is served first, so that a large encode is not passed over for ever."""

    def __init__(self, limit_bytes: int | None) -> None:
        """Share so many bytes; None for no limit."""
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def hold(self, wanted_bytes: int) -> AsyncIterator[None]:
        """Hold so many bytes while the block runs; wait for them before."""
        await self._take(wanted_bytes)
        try:
            yield
        finally:
            self._held_bytes -= wanted_bytes
            self._serve()

    async def _take(self, wanted_bytes: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted_bytes, turn))
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._held_bytes -= wanted_bytes  # it was served in the same moment
            self._waiting = deque(entry for entry in self._waiting if entry[1] is not turn)
            self._serve()
            raise

    def _serve(self) -> None:
        while self._waiting:
            wanted_bytes, turn = self._waiting[0]
            fits = self._limit_bytes is None or self._held_bytes + wanted_bytes <= self._limit_bytes
            if not fits and self._held_bytes > 0:
                return
            self._waiting.popleft()
            self._held_bytes += wanted_bytes
            turn.set_result(None)


def memory_for_encodes(workers: int = 1, root: Path = Path("/"), *, part: float = _PART_FOR_ENCODES) -> int | None:
    """Bytes that this process's encodes may hold: its share of a part of what there is.

    That is the machine's memory, or less where a control group around this process has a limit, as a container has, or
    a systemd unit with ``MemoryMax``.

    Args:
        workers: How many processes that encode share it.
        root: Of the file system in which the kernel tells.
        part: Which part of what there is.

    Returns:
        None where neither can be found out.
    """
    limits = [limit for limit in (_machine_memory(root), *_group_limits(root)) if limit is not None]
    return int(min(limits) * part / workers) if limits else None


def _group_limits(root: Path) -> Iterator[int | None]:
    """The limits of the control groups (version 2) around this process, from its own to the outermost."""
    groups = root / "sys/fs/cgroup"
    lines = (_text(root / "proc/self/cgroup") or "").splitlines()
    own = next((line.removeprefix(_GROUP) for line in lines if line.startswith(_GROUP)), "")
    for group in (groups / own, *(groups / own).parents):
        if not group.is_relative_to(groups):
            return
        limit = (_text(group / "memory.max") or "").strip()
        yield int(limit) if limit.isdecimal() else None


def _machine_memory(root: Path) -> int | None:
    lines = (_text(root / "proc/meminfo") or "").splitlines()
    kibibytes = next((line.split()[1] for line in lines if line.startswith("MemTotal:")), None)
    return int(kibibytes) * 1024 if kibibytes is not None else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return None
