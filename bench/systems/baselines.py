"""The two systems that Rushes is compared with: the one it replaces, and a naive pipeline on Temporal."""

import importlib.util
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench.baseline.naive_worker import READY as NAIVE_READY
from bench.baseline.naive_workflow import TIMEOUT
from bench.baseline.places import Places
from bench.errors import NotMeasured
from bench.ground import Ground
from bench.processes import ROOT, kill_group, last_words, python, running
from bench.systems import backends
from bench.systems.model import System
from embedded.child import Child, ChildPlan
from embedded.ports import LOOPBACK, Ports
from embedded.readiness import api_is_ready

_CONCURRENCY: Final = 2
_CELERY_READY: Final = " ready."


@dataclass(frozen=True)
class _Kind:
    """What is different between the two.

    Attributes:
        name: Of the system.
        front: Module with the api's factory.
        worker: Command line of the worker.
        ready: What a worker logs when it takes work.
        fate: As ``System.fate``, given where the broker is.
    """

    name: str
    front: str
    worker: tuple[str, ...]
    ready: str
    fate: Callable[[str], Awaitable[str]]


async def _celery_fate(broker: str) -> str:
    """A task that waits is in the list ``celery``; one that a worker holds and has not begun, in ``unacked``."""
    port = urlsplit(broker).port or 0
    waiting, held = await backends.ask_redis(port, "LLEN celery"), await backends.ask_redis(port, "HLEN unacked")
    if (waiting, held) == (":0", ":0"):
        return "lost: in processing for ever, and Redis knows nothing of it"
    return "still in processing; Redis has it still"


async def _naive_fate(_: str) -> str:
    return f"stuck until its activity's timeout, {TIMEOUT.total_seconds() / 3600:g} h"


_CELERY: Final = _Kind(
    name="celery",
    front="bench.baseline.celery_front:build",
    worker=(
        *python("celery", "-A", "bench.baseline.celery_worker", "worker", "--loglevel=info"),
        *(f"--concurrency={_CONCURRENCY}", "-Q", "celery"),
    ),
    ready=_CELERY_READY,
    fate=_celery_fate,
)
_NAIVE: Final = _Kind(
    name="naive",
    front="bench.baseline.naive_front:build",
    worker=python("bench.baseline.naive_worker"),
    ready=NAIVE_READY,
    fate=_naive_fate,
)


@asynccontextmanager
async def celery(ground: Ground) -> AsyncIterator[System]:
    """FastAPI, Celery with two processes, Redis, PostgreSQL.

    Raises:
        NotMeasured: Celery or Redis is not installed.
    """
    if importlib.util.find_spec("celery") is None:
        raise NotMeasured("Celery is not installed; requirements/bench.txt has it.")
    home, ports = ground.home(_CELERY.name), Ports()
    async with backends.redis(ground, home, ports) as broker, _baseline(_CELERY, ground, home, ports, broker) as system:
        yield system


@asynccontextmanager
async def naive(ground: Ground) -> AsyncIterator[System]:
    """FastAPI, Temporal, one workflow with one activity, two at a time."""
    home, ports = ground.home(_NAIVE.name), Ports()
    async with (
        backends.temporal(ground, home, ports) as address,
        _baseline(_NAIVE, ground, home, ports, address) as system,
    ):
        yield system


@asynccontextmanager
async def _baseline(kind: _Kind, ground: Ground, home: Path, ports: Ports, broker: str) -> AsyncIterator[System]:
    async with AsyncExitStack() as resources:
        places = Places(
            ffmpeg=ground.ffmpeg.ffmpeg_path,
            ffprobe=ground.ffmpeg.ffprobe_path,
            uploads=home / "uploads",
            scratch=home / "scratch",
            database_url=await resources.enter_async_context(backends.postgres(home)),
            broker=broker,
        )
        environment = ground.environment(**places.environment(), PYTHONPATH=str(ROOT))
        port = ports.free(purpose="the api")
        api = f"http://{LOOPBACK}:{port}"
        front = await resources.enter_async_context(running(_front_plan(kind, port, api, environment), home))
        workers = await resources.enter_async_context(_workers(kind, environment, home))
        yield System(
            name=kind.name,
            api=api,
            api_pid=front.pid or 0,
            api_log=front.log.path,
            uploads=places.uploads,
            database=places.database_url,
            kill_worker=workers.replace,
            fate=lambda: kind.fate(broker),
        )


def _front_plan(kind: _Kind, port: int, api: str, environment: dict[str, str]) -> ChildPlan:
    listens = ("--host", LOOPBACK, "--port", str(port), "--log-level", "warning")
    return ChildPlan(
        name="front",
        command=python("uvicorn", "--factory", kind.front, *listens),
        environment=environment,
        ready=lambda _: api_is_ready(api),
    )


class _Workers:
    """One worker at a time; each has a log of its own."""

    def __init__(self, plan: Callable[[int], ChildPlan], home: Path, resources: AsyncExitStack) -> None:
        self._plan = plan
        self._home = home
        self._resources = resources
        self._started: list[Child] = []

    async def start(self) -> None:
        plan = self._plan(len(self._started) + 1)
        self._started.append(await self._resources.enter_async_context(running(plan, self._home)))

    async def replace(self) -> None:
        """Kill it with all that it runs, as a machine's end would, and start another."""
        if (group := self._started[-1].pid) is not None:
            kill_group(group)
        await self.start()


@asynccontextmanager
async def _workers(kind: _Kind, environment: dict[str, str], home: Path) -> AsyncIterator[_Workers]:
    def plan(number: int) -> ChildPlan:
        name = f"worker-{number}"

        async def ready(_: object) -> str | None:
            return last_words(home / f"{name}.log", kind.ready)

        return ChildPlan(name, kind.worker, environment, ready=ready, stop_within_seconds=5)

    async with AsyncExitStack() as resources:
        workers = _Workers(plan, home, resources)
        await workers.start()
        yield workers
