"""How much memory the encodes of one process may hold together.

Eight encodes of 8K side by side are one for the kernel's out-of-memory killer. Each encode says what it takes at most,
by estimate from its picture's size, and waits until there is room. One that is larger than everything runs alone.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

_PART_FOR_ENCODES: Final = 0.7


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


def memory_for_encodes() -> int | None:
    """Bytes that this process's encodes may hold: a part of the container's limit, or of the machine's memory.

    None where neither can be found out.
    """
    found = [limit for limit in (_cgroup_limit(), _machine_memory()) if limit is not None]
    return int(min(found) * _PART_FOR_ENCODES) if found else None


def _cgroup_limit() -> int | None:
    """The limit of cgroup version 2, as containers set it."""
    try:
        text = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def _machine_memory() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kibibytes = next((line.split()[1] for line in lines if line.startswith("MemTotal:")), None)
    return int(kibibytes) * 1024 if kibibytes is not None else None
