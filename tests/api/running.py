"""Running the api in a test: in process, or behind a real server on a free port."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import httpx
import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from api.app import create_app
from api.connections import ConnectionLimits, bounded_connections
from api.options import ApiOptions
from api.services import Services
from cli.api_server import ApiServer
from contracts.cohorts import CohortInput, CohortProgress, CohortSummary
from contracts.processing import VideoDeletionInput, VideoProcessingInput
from contracts.refusals import RefusalCode, Refused
from contracts.status import CohortStatus
from contracts.webhooks import WebhookDeliveryInput
from database.engine import Database
from events.tidy import TidyReport
from runs.protocol import Runs
from runs.reconcile import ReconcileReport
from runs.records import (
    LiveProgress,
    QueueState,
    RunRecord,
    StepRecord,
    TemporalRefuses,
    TemporalUnavailable,
    WorkerState,
)
from runs.sweep import SweepReport
from storage.protocol import Storage


@dataclass
class RecordedRuns:
    """Stands in for Temporal where only HTTP is under test: remembers what it was asked, answers as it was told."""

    away: bool = False
    refusal: str = ""
    run_is_open: bool = False
    live: LiveProgress | None = None
    known_workers: list[WorkerState] | None = None
    history: list[StepRecord] = field(default_factory=list)
    started: list[tuple[VideoProcessingInput, str]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    deletions: list[VideoDeletionInput] = field(default_factory=list)
    looked: int = 0

    async def start(self, request: VideoProcessingInput, label: str) -> None:
        self._answer()
        self.started.append((request, label))

    async def cancel(self, video_id: str) -> bool:
        self._answer()
        if self.run_is_open:
            self.cancelled.append(video_id)
        return self.run_is_open

    async def start_deletion(self, request: VideoDeletionInput, label: str) -> bool:
        assert label
        self._answer()
        self.deletions.append(request)
        return True

    async def progress(self, video_id: str) -> LiveProgress | None:
        assert video_id
        self._answer()
        self.looked += 1
        return self.live

    async def record(self, video_id: str) -> RunRecord:
        assert video_id
        self._answer()
        return RunRecord(steps=tuple(self.history))

    async def queues(self) -> list[QueueState]:
        self._answer()
        return [
            QueueState("video-control", 0, ("1@host",)),
            QueueState("video-media", 3, (), 12.5),
            QueueState("webhooks", 0, ("1@host",)),
        ]

    async def workers(self) -> list[WorkerState] | None:
        self._answer()
        return self.known_workers

    async def check(self) -> None:
        self._answer()
        if self.refusal:
            raise TemporalRefuses(self.refusal, to_everything=True)

    async def server_version(self) -> str:
        self._answer()
        return "1.32.0"

    def _answer(self) -> None:
        if self.away:
            raise TemporalUnavailable("Temporal does not answer.")


@dataclass
class RecordedWebhookRuns:
    """The same for what sends events."""

    started: list[WebhookDeliveryInput] = field(default_factory=list)

    async def start(self, request: WebhookDeliveryInput, label: str) -> bool:
        assert label
        self.started.append(request)
        return True


@dataclass
class RecordedCohortRuns:
    """Remembers which cohorts were begun, and what they were told."""

    started: dict[str, CohortInput] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    async def start(self, cohort_id: str, request: CohortInput) -> None:
        self.started[cohort_id] = request

    async def newest(self, user_id: str | None, *, limit: int) -> list[CohortSummary]:
        whose = [(name, begun) for name, begun in self.started.items() if user_id in (None, begun.user_id)]
        now = datetime.now(UTC)
        return [CohortSummary(name, begun.in_words, CohortStatus.RUNNING, now) for name, begun in whose[:limit]]

    async def progress(self, cohort_id: str, user_id: str | None) -> CohortProgress:
        begun = self._one(cohort_id, user_id)
        return CohortProgress(begun.total, 0, 0, is_paused=False, is_done=False)

    async def pause(self, cohort_id: str, user_id: str | None) -> None:
        self._one(cohort_id, user_id)
        self.told.append("pause")

    async def resume(self, cohort_id: str, user_id: str | None) -> None:
        self._one(cohort_id, user_id)
        self.told.append("resume")

    async def cancel(self, cohort_id: str, user_id: str | None) -> None:
        self._one(cohort_id, user_id)
        self.told.append("cancel")

    def _one(self, cohort_id: str, user_id: str | None) -> CohortInput:
        begun = self.started.get(cohort_id)
        if begun is None or user_id not in (None, begun.user_id):
            raise Refused(RefusalCode.COHORT_NOT_FOUND, "There is none.")
        return begun


async def nothing_to_reconcile() -> ReconcileReport:
    return ReconcileReport(started=0, closed=0, expired=0)


async def nothing_to_sweep() -> SweepReport:
    return SweepReport()


async def nobody_elses() -> None:
    """The storage of a test belongs to its database."""


async def nothing_to_tidy() -> TidyReport:
    return TidyReport()


async def told_of_nothing(wake: Mapping[str, Callable[[], None]]) -> None:
    """Tests that are not about events listen to none."""
    assert wake
    await asyncio.Event().wait()


def services_of(database: Database, storage: Storage, runs: Runs) -> Services:
    """What the api works with, without its own clock."""
    return Services.over(
        database,
        webhook_runs=RecordedWebhookRuns(),
        cohort_runs=RecordedCohortRuns(),
        listening=told_of_nothing,
        storage=storage,
        runs=runs,
        reconcile=nothing_to_reconcile,
        sweep=nothing_to_sweep,
        tidy=nothing_to_tidy,
        check_owner=nobody_elses,
    )


def app_of(services: Services, options: ApiOptions) -> FastAPI:
    """The application, with services that outlive it."""

    @asynccontextmanager
    async def open_services() -> AsyncIterator[Services]:
        yield services

    return create_app(open_services, options)


@asynccontextmanager
async def in_process(
    services: Services, options: ApiOptions, *, base_url: str = "http://127.0.0.1"
) -> AsyncIterator[httpx.AsyncClient]:
    """A client that calls the application as a server at ``base_url`` would, its lifespan and state included."""
    app = app_of(services, options)
    async with app.router.lifespan_context(app) as state:

        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
            yield client


class QuietServer(ApiServer):
    """A server that leaves the signals of the test run alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def over_http(
    services: Services, options: ApiOptions, *, grace_seconds: int = 5, connections: ConnectionLimits | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a real server on 127.0.0.1."""
    async with (
        running_server(services, options, grace_seconds=grace_seconds, connections=connections) as (_, url),
        httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client,
    ):
        yield client


@asynccontextmanager
async def running_server(
    services: Services,
    options: ApiOptions,
    *,
    grace_seconds: int = 5,
    connections: ConnectionLimits | None = None,
    kernel_bytes: int | None = None,
) -> AsyncIterator[tuple[uvicorn.Server, str]]:
    """A real server and its address; stops it as a signal would.

    The kernel holds ``kernel_bytes`` of what comes on a connection until the server takes it, or as much as it likes.
    """
    config = uvicorn.Config(
        app_of(services, options),
        http=bounded_connections(connections or ConnectionLimits()),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=grace_seconds,
    )
    server = QuietServer(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        if kernel_bytes is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, kernel_bytes)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        await until(lambda: server.started or task.done())
        try:
            yield server, f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await task


async def until(condition: object, *, seconds: float = 10) -> None:
    """Wait until the callable ``condition``, plain or async, says true."""
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while True:
            result = condition()
            if asyncio.iscoroutine(result):
                result = await result
            if result:
                return
            await asyncio.sleep(0.01)


def with_limits(
    options: ApiOptions, *, max_bytes: int | None = None, timeout_seconds: float | None = None
) -> ApiOptions:
    """The options with other limits for uploads."""
    limits = options.limits
    return replace(
        options,
        limits=replace(
            limits,
            max_bytes=max_bytes or limits.max_bytes,
            timeout_seconds=timeout_seconds or limits.timeout_seconds,
        ),
    )
