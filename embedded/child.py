"""One child process of the stack, over all of its lives."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from embedded.child_log import ChildLog
from embedded.errors import StackError
from embedded.programs import dies_with_us
from embedded.telling import TELL_SECONDS, told_while

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
        prepare: Makes ready what it needs, before each of its starts; raises ``ChildFailed`` where it can't.
        ready: Looks once whether it does its work; None for one that only has to end well.
        ready_within_seconds: How long that may take.
        awaits: A sentence: what it may have to wait for, where nothing else tells.
        stop_signal: Asks it to end.
        stop_within_seconds: How long that may take before it is killed.
        death_signal: What it receives when the stack itself is killed, such as ``TERM``; None where the command sees
            to that itself.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    prepare: Callable[[], Awaitable[None]] | None = None
    ready: ReadyCheck | None = None
    ready_within_seconds: float = 30
    awaits: str = ""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_seconds: float = 10
    death_signal: str | None = "TERM"


class ChildFailed(StackError):
    """A child ended, or was not ready in time, while the stack was starting."""


class Child:
    """One child process, over all of its lives.

    Args:
        plan: What it is.
        logs: Folder of its log.
        inherited: File descriptors that it holds open.
        announce: Told again and again what is waited for while it starts.
        tell_seconds: How often.

    Attributes:
        was_ready: Whether this life of it, or the last one, has come to do its work.
    """

    def __init__(
        self,
        plan: ChildPlan,
        logs: Path,
        inherited: tuple[int, ...],
        announce: Callable[[str], None] | None = None,
        tell_seconds: float = TELL_SECONDS,
    ) -> None:
        self.plan = plan
        self._announce = announce
        self._tell_seconds = tell_seconds
        self._missing = ""
        self.log = ChildLog(logs / f"{plan.name}.log")
        self._inherited = inherited
        self._process: asyncio.subprocess.Process | None = None
        self._started_at = datetime.min.replace(tzinfo=UTC)
        self.was_ready = False

    @property
    def pid(self) -> int | None:
        """Process id, or None while it does not run."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def spawn(self) -> None:
        """Start the process in a session of its own, so that a terminal's Ctrl-C reaches only the stack.

        Raises:
            ChildFailed: There is no such program, it may not be run, or what it needs is not there.
        """
        self.was_ready = False
        plan = self.plan
        if plan.prepare is not None:
            await plan.prepare()
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

    async def wait_for_end(self, within_seconds: float) -> None:
        """Return once it has ended well.

        Raises:
            ChildFailed: It ended with another exit code than 0, or did not end in time; with the end of its log.
        """
        try:
            async with asyncio.timeout(within_seconds), self._told():
                code = await self.wait()
        except TimeoutError:
            sentence = f"{self.plan.name} did not end in {within_seconds:g} s. {self.plan.awaits}".rstrip()
            raise ChildFailed(self.with_log(sentence)) from None
        if code != 0:
            raise ChildFailed(self.with_log(f"{self.plan.name} {how_ended(code)}."))

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
            async with self._told():
                while True:
                    missing = await ready(self._started_at)
                    if ended.done():
                        raise ChildFailed(
                            self.with_log(f"{self.plan.name} {how_ended(ended.result())} while it was starting.")
                        )
                    if missing is None:
                        self.was_ready = True
                        return
                    self._missing = missing
                    if time.monotonic() > deadline:
                        seconds, why = self.plan.ready_within_seconds, self.log.awaited() or missing
                        raise ChildFailed(self.with_log(f"{self.plan.name} was not ready in {seconds:g} s: {why}"))
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

    def _told(self) -> AbstractAsyncContextManager[None]:
        """What is waited for is told meanwhile: as the process itself says, else what was seen to be missing."""

        def sentence(since: str) -> str:
            if awaited := self.log.awaited():
                return f"{self.plan.name}: {awaited}"
            return f"Waiting for {self.plan.name}, {since}: {self._missing or self.plan.awaits}".rstrip(": ")

        self._missing = ""
        return told_while(self._announce, sentence, self._tell_seconds)

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"{self.plan.name} was never started")
        return self._process


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except ProcessLookupError:
        return  # it has just ended, and its transport does not know yet


def how_ended(code: int) -> str:
    """How a process ended, after its name."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
