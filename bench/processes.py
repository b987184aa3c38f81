"""Processes that a case needs: started in a session of their own, stopped with all that they started."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from bench.errors import NotMeasured
from bench.ground import MARK_VARIABLE
from embedded.child import Child, ChildPlan
from embedded.errors import StackError

ROOT: Final = Path(__file__).resolve().parent.parent
RUSHES: Final = str(Path(sys.executable).with_name("rushes"))


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """The command line that runs one of our modules."""
    return (sys.executable, "-m", module, *arguments)


@asynccontextmanager
async def running(plan: ChildPlan, logs: Path) -> AsyncIterator[Child]:
    """The process, from when it is ready until the block ends.

    Raises:
        NotMeasured: It ended, or was not ready in time.
    """
    child = Child(plan, logs, ())
    try:
        try:
            await child.spawn()
            await child.wait_until_ready()
        except StackError as error:
            raise NotMeasured(str(error)) from error
        yield child
    finally:
        await stopped(child)


async def stopped(child: Child) -> None:
    """End the process as it likes to be ended, then whatever is left of its group."""
    group = child.pid
    try:
        await child.stop()
    finally:
        if group is not None:
            kill_group(group)


def kill_group(group: int) -> None:
    """End a process group at once; one that is gone already is a success."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def last_words(log: Path, word: str) -> str | None:
    """None once ``word`` is in the log, else a sentence: the look of a ``ChildPlan`` at a program that only logs."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return None if word in text else f"it has not written {word!r} yet."


def sweep(mark: str) -> int:
    """End every process that carries this run's mark in its environment; gives how many there were."""
    found = _marked(f"{MARK_VARIABLE}={mark}".encode())
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(found)


async def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it."""
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _marked(wanted: bytes) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue  # gone meanwhile, or somebody else's
    return found
