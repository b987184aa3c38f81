"""Runs the stack's children: starts them, starts them again when they die, stops them in reverse order."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from embedded.child_log import ChildLog
from embedded.errors import StackError
from embedded.programs import dies_with_us

_POLL_SECONDS: Final = 0.05

ReadyCheck = Callable[[datetime], Awaitable[str | None]]
"""Looks once; returns None when the child, started at the time given, is ready, else what is missing, as a sentence."""


@dataclass(frozen=True)
class ChildPlan:
    """What a child is.

    Attributes:
        name: As people call it; also the log's name and the key of its pid.
        command: Program and arguments.
        environment: The whole environment.
        ready: Looks once whether it does its work; None for one that only has to end well.
        ready_within_seconds: How long that may take.
        stop_signal: Asks it to end.
        stop_within_seconds: How long that may take before it is killed.
        death_signal: What it receives when the stack itself is killed, such as ``TERM``; None where the command sees
            to that itself.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ready: ReadyCheck | None = None
    ready_within_seconds: float = 30
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_seconds: float = 10
    death_signal: str | None = "TERM"


@dataclass(frozen=True)
class Pauses:
    """Seconds between a child's death and its next start.

    Attributes:
        first: After the first death; doubled with each further one.
        longest: Never more than this.
        steady_after: A child that lived this long begins again with ``first``.
    """

    first: float = 1
    longest: float = 30
    steady_after: float = 60


class ChildFailed(StackError):
    """A child ended, or was not ready in time, while the stack was starting."""


class Child:
    """One child process, over all of its lives."""

    def __init__(self, plan: ChildPlan, logs: Path, inherited: tuple[int, ...]) -> None:
        self.plan = plan
        self.log = ChildLog(logs / f"{plan.name}.log")
        self._inherited = inherited
        self._process: asyncio.subprocess.Process | None = None
        self._started_at = datetime.min.replace(tzinfo=UTC)

    @property
    def pid(self) -> int | None:
        """Process id, or None while it does not run."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def spawn(self) -> None:
        """Start the process in a session of its own, so that a terminal's Ctrl-C reaches only the stack.

        Raises:
            ChildFailed: There is no such program, or it may not be run.
        """
        plan = self.plan
        command = plan.command if plan.death_signal is None else dies_with_us(plan.command, plan.death_signal)
        self.log.mark()
        self._started_at = datetime.now(UTC)
        try:
            with self.log.path.open("ab") as output:
                self._process = await asyncio.create_subprocess_exec(
                    *command,
                    env=dict(plan.environment),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    pass_fds=self._inherited,
                )
        except OSError as error:
            raise ChildFailed(f"{plan.name} can't be started: {error}.") from error

    async def wait(self) -> int:
        """The exit code, negative for a signal, once it ended."""
        return await self._running().wait()

    async def wait_until_ready(self) -> None:
        """Return once it does its work.

        Raises:
            ChildFailed: It ended before, or took too long; with the end of its log.
        """
        ready = self.plan.ready
        if ready is None:
            return
        ended = asyncio.ensure_future(self.wait())
        deadline = time.monotonic() + self.plan.ready_within_seconds
        try:
            while True:
                missing = await ready(self._started_at)
                if ended.done():
                    raise ChildFailed(self.with_log(f"{self.plan.name} {_how(ended.result())} while it was starting."))
                if missing is None:
                    return
                if time.monotonic() > deadline:
                    seconds = self.plan.ready_within_seconds
                    raise ChildFailed(self.with_log(f"{self.plan.name} was not ready in {seconds:g} s: {missing}"))
                await asyncio.wait({ended}, timeout=_POLL_SECONDS)
        finally:
            ended.cancel()

    async def stop(self) -> None:
        """End the process, by force when it takes too long, and wait for it. Does nothing when it does not run."""
        process = self._process
        if process is None:
            return
        _signal(process, self.plan.stop_signal)
        try:
            async with asyncio.timeout(self.plan.stop_within_seconds):
                await process.wait()
        except TimeoutError:
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None:
            _signal(self._process, signal.SIGKILL)

    def with_log(self, sentence: str) -> str:
        """The sentence, and what the process last wrote."""
        tail = self.log.tail()
        return f"{sentence}\nThe end of {self.log.path}:\n{tail}" if tail else f"{sentence} {self.log.path} is empty."

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"{self.plan.name} was never started")
        return self._process


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
    ) -> None:
        """Start nothing yet.

        Args:
            logs: Folder of the children's logs.
            announce: Told in a sentence what a person should know: a child died, and runs again.
            changed: Called when a child has another pid than before.
            inherited: File descriptors that the children hold open.
            pauses: Before a dead child is started again.
        """
        self._logs = logs
        self._announce = announce
        self._changed = changed
        self._inherited = inherited
        self._pauses = pauses or Pauses()
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
        stage = [Child(plan, self._logs, self._inherited) for plan in plans]
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
            keeper = asyncio.ensure_future(self._keep(child))
            keeper.add_done_callback(self._tell_end)
            self._keepers.append(keeper)

    async def run_to_end(self, plan: ChildPlan, *, within_seconds: float) -> None:
        """Run a child that does one thing and ends.

        Raises:
            ChildFailed: It ended with another exit code than 0, or did not end in time; with the end of its log.
        """
        child = Child(plan, self._logs, self._inherited)
        self._stages.append([child])
        child.log.rotate()
        await child.spawn()
        try:
            async with asyncio.timeout(within_seconds):
                code = await child.wait()
        except TimeoutError:
            raise ChildFailed(child.with_log(f"{plan.name} did not end in {within_seconds:g} s.")) from None
        if code != 0:
            raise ChildFailed(child.with_log(f"{plan.name} {_how(code)}."))
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

    async def _keep(self, child: Child) -> None:
        pause = self._pauses.first
        while True:
            began = time.monotonic()
            code = await child.wait()
            if time.monotonic() - began > self._pauses.steady_after:
                pause = self._pauses.first
            name = child.plan.name
            self._announce(f"{name} {_how(code)}; it is started again in {pause:g} s. Its log: {child.log.path}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, self._pauses.longest)
            await self._revive(child)

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


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except ProcessLookupError:
        return  # it has just ended, and its transport does not know yet


def _how(code: int) -> str:
    """How a process ended, after its name."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
