"""The processes of a soak: a stack, and further ones that share its files, rows and runs with it and nothing else."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from embedded.ports import LOOPBACK, Ports
from embedded.postgres import EmbeddedPostgres
from embedded.postgres_programs import servers_in
from embedded.run_file import RunFile, is_alive
from tests.fixtures.stack import Home, running
from tests.fixtures.stopped import stopped
from tests.waiting import eventually

_ROOT: Final = Path(__file__).resolve().parents[2]
_START_SECONDS: Final = 300.0


@dataclass
class Kept:
    """A process that is started again whenever it ends.

    Attributes:
        name: For people.
        command: Its command line.
        environment: All of it.
        log: What it prints goes there.
        process: As it runs now.
        deaths: How often it was started again.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    process: asyncio.subprocess.Process | None = None
    deaths: int = 0
    _keeping: asyncio.Task[None] | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Run it until ``stop``."""
        self._keeping = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End it."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    async def _keep(self) -> None:
        while True:
            with self.log.open("ab") as log:
                self.process = await asyncio.create_subprocess_exec(
                    *("setpriv", "--pdeathsig", "TERM", "--", *self.command),
                    env=dict(self.environment),
                    cwd=_ROOT,
                    stdout=log,
                    stderr=asyncio.subprocess.STDOUT,
                )
            await self.process.wait()
            self.deaths += 1


@dataclass
class Machines:
    """What takes and makes videos, and what harms it.

    Attributes:
        home: Of the stack, which has one of each.
        further: The others.
        apis: Addresses of all apis.
        harm: How often which process was killed or stopped.
    """

    home: Home
    further: list[Kept]
    apis: list[str]
    harm: Counter[str] = field(default_factory=Counter)
    _stopped: set[str] = field(default_factory=set, repr=False)
    _ending: set[int] = field(default_factory=set, repr=False)

    @property
    def run(self) -> RunFile:
        """What ``run.json`` says now."""
        run = self.home.run_file
        assert run is not None
        return run

    async def there(self, name: str) -> None:
        """Return once this process runs, and was not told to end before."""
        await eventually(partial(self._is_there, name), bool, within_seconds=_START_SECONDS)

    def end(self, name: str, number: signal.Signals) -> None:
        """Send a process this signal, which ends it; one that does not run, or is stopped, is left alone."""
        process = self._running(name)
        if process is None or name in self._stopped:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)
            self._ending.add(process)
            self.harm[f"{name} {number.name}"] += 1

    async def stop(self, name: str, seconds: float) -> None:
        """SIGSTOP to a process, to all of PostgreSQL's, for so long; if it does not run, or is stopped, nothing."""
        process = self._running(name)
        if process is None or name in self._stopped:
            return
        self._stopped.add(name)
        self.harm[f"{name} SIGSTOP"] += 1
        try:
            async with stopped(partial(self._all_of, name, process)):
                await asyncio.sleep(seconds)
        finally:
            self._stopped.remove(name)

    def keep_logs(self, target: Path) -> None:
        """Copy what all processes have logged, those of the stack among them."""
        shutil.copytree(self.home.folder / "logs", target)
        for kept in self.further:
            shutil.copy(kept.log, target)

    async def _is_there(self, name: str) -> bool:
        return self._running(name) is not None and name not in self._stopped

    def _running(self, name: str) -> int | None:
        """The process of this name; None where it is still to be started again, or was told to end."""
        processes = {kept.name: kept.process.pid for kept in self.further if kept.process is not None}
        found = {**self.run.pids, **processes}.get(name, 0)
        return found if is_alive(found) and found not in self._ending else None

    def _all_of(self, name: str, process: int) -> list[int]:
        return servers_in(self._postgres_data) if name == "postgres" else [process]

    @property
    def _postgres_data(self) -> Path:
        return EmbeddedPostgres(self.home.folder / "postgres").data_folder


@asynccontextmanager
async def machines(home: Home, folder: Path, *, several: bool) -> AsyncIterator[Machines]:
    """Start all, each with a scratch of its own; stop all when the block ends.

    Args:
        home: Of the stack.
        folder: Where further machines keep what is their own.
        several: Whether there are any: their files have to be in a bucket.
    """
    async with running(home) as run:
        port = Ports().free(purpose="the second api")
        shared = {
            **home.environment,
            "DATABASE_URL": run.database,
            "TEMPORAL_ADDRESS": run.temporal,
            "RUSHES_UPLOADS": str(folder / "nowhere"),
        }
        python = str(Path(sys.executable))
        rushes = str(Path(sys.executable).with_name("rushes"))

        def kept(name: str, *command: str, **settings: str) -> Kept:
            scratch = Path(home.environment["RUSHES_SCRATCH"]).with_name(name)
            own = {"RUSHES_HOME": str(folder / name), "RUSHES_SCRATCH": str(scratch)}
            return Kept(name, command, {**shared, **own, **settings}, folder / f"{name}.log")

        further = [
            kept("second-api", rushes, "api", RUSHES_PORT=str(port)),
            kept("second-worker", python, "worker.py", "--queue", "all"),
            kept("third-worker", python, "worker.py", "--queue", "video-media"),
        ]
        apis = [run.api, f"http://{LOOPBACK}:{port}"]
        if not several:
            further, apis = [], [run.api]
        try:
            for process in further:
                await process.start()
            for api in apis:
                await eventually(partial(_answers, api), bool, within_seconds=_START_SECONDS)
            yield Machines(home, further, apis)
        finally:
            for process in further:
                await process.stop()


async def _answers(api: str) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            return (await client.get(f"{api}/healthz")).is_success
        except httpx.HTTPError:
            return False
