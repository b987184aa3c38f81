"""What the kernel says of processes, for tests that none is left."""

import asyncio
from pathlib import Path

from tests.waiting import eventually


def children_of(parent: int) -> set[int]:
    """Ids of the living direct children."""
    return {pid for pid, (state, its_parent) in _table().items() if its_parent == parent and state != "Z"}


def descendants_of(ancestor: int) -> set[int]:
    """Ids of all living processes below it, from one look at every process there is."""
    children: dict[int, set[int]] = {}
    for pid, (state, parent) in _table().items():
        if state != "Z":
            children.setdefault(parent, set()).add(pid)
    found, waiting = set[int](), [ancestor]
    while waiting:
        below = children.get(waiting.pop(), set())
        found |= below
        waiting.extend(below)
    return found


def is_alive(pid: int) -> bool:
    """Whether the process is there and is no zombie."""
    return _table().get(pid, ("Z", 0))[0] != "Z"


async def first_child_of(parent: int) -> int:
    """The one child, as soon as there is one."""

    async def ask() -> set[int]:
        return await asyncio.to_thread(children_of, parent)

    return (await eventually(ask, bool)).pop()


async def gone(pid: int, *, within_seconds: float) -> None:
    """Wait until the process is gone."""

    async def ask() -> bool:
        return await asyncio.to_thread(is_alive, pid)

    await eventually(ask, lambda alive: not alive, within_seconds=within_seconds)


def _table() -> dict[int, tuple[str, int]]:
    table = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            state, parent = stat.rpartition(")")[2].split()[:2]  # the program's name may hold spaces and brackets
            table[int(folder.name)] = (state, int(parent))
    return table
