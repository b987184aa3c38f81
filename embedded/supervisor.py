"""Runs the stack's children: starts them, starts them again when they die, stops them in reverse order."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from embedded.child import Child, ChildFailed, ChildPlan, how_ended
from embedded.telling import TELL_SECONDS

_ROTATE_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Pauses:
    """Seconds between a child's death and its next start.

    Attributes:
        first: After a life in which it did its work; doubled with each life in which it did not come to that.
        longest: Never more than this.
        steady_after: A child that lived this long begins again with ``first``, whatever it did.
    """

    first: float = 1
    longest: float = 30
    steady_after: float = 60


class Supervisor:
    """Keeps children running until it is told to stop."""

    def __init__(
        self,
        logs: Path,
        *,
        announce: Callable[[str], None],
        changed: Callable[[], None],
        inherited: tuple[int, ...] = (),
        pauses: Pauses | None = None,
        tell_seconds: float = TELL_SECONDS,
    ) -> None:
        """Start nothing yet.

        Args:
            logs: Folder of the children's logs.
            announce: Told in a sentence what a person should know: what a child waits for, that it died, and runs
                again.
            changed: Called when a child has another pid than before.
            inherited: File descriptors that the children hold open.
            pauses: Before a dead child is started again.
            tell_seconds: How often it is told what a child that starts waits for.
        """
        self._logs = logs
        self._announce = announce
        self._changed = changed
        self._inherited = inherited
        self._pauses = pauses or Pauses()
        self._tell_seconds = tell_seconds
        self._stages: list[list[Child]] = []
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the children that run, by name."""
        children = [child for stage in self._stages for child in stage]
        return {child.plan.name: child.pid for child in children if child.pid is not None}

    async def start(self, *plans: ChildPlan) -> None:
        """Start children side by side and return once all are ready; from then on each is kept running.

        Raises:
            ChildFailed: One ended or was not ready in time. What runs already goes on until ``stop``.
        """
        if not self._keepers:
            self._watch_over(self._rotate_logs())
        stage = [self._child(plan) for plan in plans]
        self._stages.append(stage)
        for child in stage:
            child.log.rotate()
            await child.spawn()
        waits = [asyncio.ensure_future(child.wait_until_ready()) for child in stage]
        try:
            await asyncio.gather(*waits)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        for child in stage:
            self._watch_over(self._keep(child))

    async def run_to_end(self, plan: ChildPlan, *, within_seconds: float) -> None:
        """Run a child that does one thing and ends.

        Raises:
            ChildFailed: It ended with another exit code than 0, or did not end in time; with the end of its log.
        """
        child = self._child(plan)
        self._stages.append([child])
        child.log.rotate()
        await child.spawn()
        await child.wait_for_end(within_seconds)
        self._stages.pop()

    async def stop(self) -> None:
        """Stop every child, the last started first, each in bounded time. May be called at any moment."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._keepers.clear()
        while self._stages:
            await asyncio.gather(*(child.stop() for child in self._stages[-1]))
            self._stages.pop()

    def kill(self) -> None:
        """End every child at once; ``stop`` then has nothing to wait for."""
        for stage in self._stages:
            for child in stage:
                child.kill()

    def _child(self, plan: ChildPlan) -> Child:
        return Child(plan, self._logs, self._inherited, self._announce, self._tell_seconds)

    async def _keep(self, child: Child) -> None:
        pause = self._pauses.first
        while True:
            began = time.monotonic()
            code = await child.wait()
            if child.was_ready or time.monotonic() - began > self._pauses.steady_after:
                pause = self._pauses.first
            name = child.plan.name
            self._announce(f"{name} {how_ended(code)}; it is started again in {pause:g} s. Its log: {child.log.path}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, self._pauses.longest)
            await self._revive(child)

    async def _rotate_logs(self) -> None:
        """A child may write a lot in one life."""
        while True:
            await asyncio.sleep(_ROTATE_SECONDS)
            for child in [child for stage in self._stages for child in stage]:
                await asyncio.to_thread(child.log.rotate)

    def _watch_over(self, keeping: Coroutine[None, None, None]) -> None:
        keeper = asyncio.ensure_future(keeping)
        keeper.add_done_callback(self._tell_end)
        self._keepers.append(keeper)

    def _tell_end(self, keeper: asyncio.Task[None]) -> None:
        if not keeper.cancelled() and (failure := keeper.exception()) is not None:
            self._announce(f"A child is no longer watched over, because of {failure!r}. Start the stack again.")

    async def _revive(self, child: Child) -> None:
        try:
            await child.spawn()
            self._changed()
            await child.wait_until_ready()
        except ChildFailed as failure:
            self._announce(str(failure))
        else:
            self._announce(f"{child.plan.name} runs again (process {child.pid}).")
