"""Rushes, as people start it (``rushes up``), and part by part, so that workers can be counted and limited."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from bench.cgroup import entering, limited_group
from bench.client import Client
from bench.errors import NotMeasured
from bench.ground import TEMPORAL_ADDRESS, Ground
from bench.processes import ROOT, RUSHES, python, running
from bench.systems import backends
from bench.systems.model import System
from bench.tools import run
from contracts.temporal_names import MEDIA_QUEUE
from embedded.child import ChildPlan
from embedded.ports import LOOPBACK, Ports
from embedded.readiness import api_is_ready
from embedded.run_file import RunFile

_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.1
_NAME: Final = "rushes"


@asynccontextmanager
async def rushes_up(ground: Ground) -> AsyncIterator[System]:
    """``rushes up`` on a home of its own, with every setting at its default but the ports."""
    home = ground.home(_NAME)
    async with stack_up(ground, home) as run_file:

        async def kill_worker() -> None:
            os.kill(_run_file(home).pids["worker"], signal.SIGKILL)

        async def fate() -> str:
            return "still in processing"

        yield System(
            name=_NAME,
            api=run_file.api,
            api_pid=run_file.pids["api"],
            api_log=home / "logs" / "api.log",
            uploads=Path(run_file.uploads),
            database=run_file.database,
            kill_worker=kill_worker,
            fate=fate,
        )


@asynccontextmanager
async def stack_up(ground: Ground, home: Path, **settings: str) -> AsyncIterator[RunFile]:
    """``rushes up`` on that home and any free ports, with these settings; gives what its ``run.json`` says."""
    own = {
        "RUSHES_HOME": str(home),
        "RUSHES_PORT": "0",
        "RUSHES_TEMPORAL_PORT": "0",
        "RUSHES_TEMPORAL_UI_PORT": "0",
        "NO_COLOR": "1",
    }

    async def is_up(_: datetime) -> str | None:
        return None if RunFile.read(home) is not None else "there is no run.json yet."

    plan = ChildPlan(
        name="rushes-up",
        command=("env", "--default-signal=HUP,INT", RUSHES, "up"),
        environment=ground.environment(**own, **settings),
        ready=is_up,
        ready_within_seconds=_START_SECONDS,
        stop_within_seconds=_STOP_SECONDS,
    )
    async with running(plan, ground.folder):
        yield _run_file(home)


@asynccontextmanager
async def limited_workers(ground: Ground, count: int, cores: float) -> AsyncIterator[str]:
    """Rushes with so many media workers, each with a share of a core for itself; the rest is not limited.

    Yields:
        Base URL of the api.

    Raises:
        NotMeasured: Processes can't be limited here.
    """
    home = ground.home("rushes-parts")
    async with AsyncExitStack() as resources:
        groups = [resources.enter_context(limited_group(f"{count}-{number}", cores)) for number in range(count)]
        ports = Ports()
        port = ports.free(purpose="the api")
        environment = ground.environment(
            DATABASE_URL=await resources.enter_async_context(backends.postgres(home)),
            RUSHES_HOME=str(home),
            RUSHES_UPLOADS=str(home / "uploads"),
            RUSHES_SCRATCH=str(home / "scratch"),
            RUSHES_PORT=str(port),
            RUSHES_MEDIA_SLOTS="1",
            **{TEMPORAL_ADDRESS: await resources.enter_async_context(backends.temporal(ground, home, ports))},
        )
        (home / "uploads").mkdir()
        settings = [f"{name}={value}" for name, value in environment.items() if value]
        await run(["env", *settings, RUSHES, "migrate"])
        api = f"http://{LOOPBACK}:{port}"
        plans = [
            ChildPlan("api", (RUSHES, "api"), environment, ready=lambda _: api_is_ready(api), ready_within_seconds=60),
            ChildPlan("control", worker_command("video-control"), environment),
            *(
                ChildPlan(
                    f"media-{number}", entering(procs, worker_command(MEDIA_QUEUE)), environment, stop_within_seconds=30
                )
                for number, procs in enumerate(groups)
            ),
        ]
        for plan in plans:
            await resources.enter_async_context(running(plan, home))
        await until_polled(api, count)
        yield api


def worker_command(queue: str) -> tuple[str, ...]:
    """Of a worker that serves this queue."""
    return (*python("worker")[:1], str(ROOT / "worker.py"), "--queue", queue)


def _run_file(home: Path) -> RunFile:
    found = RunFile.read(home)
    if found is None:
        raise NotMeasured("The stack is gone.")
    return found


async def until_polled(api: str, workers: int) -> None:
    """Return once so many workers ask for media work."""
    async with Client(api) as client, asyncio.timeout(_START_SECONDS):
        while True:
            queues = (await client.get("/api/v1/system"))["queues"] or []
            pollers = {name for queue in queues if queue["name"] == MEDIA_QUEUE for name in queue["pollers"]}
            if len(pollers) >= workers:
                return
            await asyncio.sleep(_POLL_SECONDS)
