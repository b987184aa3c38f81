"""The parts of the stack: for each, its command line, its environment, and how to see that it does its work."""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from temporalio.client import Client

from embedded.child import ChildFailed, ChildPlan
from embedded.postgres import EmbeddedPostgres, EmbeddedPostgresError
from embedded.programs import find_program
from embedded.readiness import api_is_ready, postgres_answers, temporal_answers, worker_polls
from embedded.temporal import DevServer
from settings import Settings

_WORKER_SCRIPT: Final = Path(__file__).resolve().parent.parent / "worker.py"
_CLI: Final = (sys.executable, "-P", "-m", "cli.main")  # -P: a file in the current folder is never taken for a module
_WORKER_KILL_SECONDS: Final = 5
_READY_SECONDS: Final = 60
_GRACE_SECONDS: Final = 3.0


def postgres_plan(postgres: EmbeddedPostgres, port: int) -> ChildPlan:
    """The database. One that was killed leaves processes behind, which the next one has to wait for."""

    async def prepare() -> None:
        try:
            await postgres.prepare()
        except EmbeddedPostgresError as error:
            raise ChildFailed(str(error)) from error

    return ChildPlan(
        name="postgres",
        command=tuple(postgres.command(port)),
        environment={name: value for name, value in os.environ.items() if not name.startswith("PG")},
        prepare=prepare,
        ready=lambda _: postgres_answers(postgres, port),
        ready_within_seconds=_READY_SECONDS,
        stop_signal=signal.SIGINT,
        death_signal=None,
    )


def temporal_plan(server: DevServer, environment: Mapping[str, str]) -> ChildPlan:
    """Temporal's dev server. Its state is in SQLite, which a kill can't harm."""
    return ChildPlan(
        name="temporal",
        command=server.command(find_program("temporal")),
        environment=environment,
        ready=lambda _: temporal_answers(server.address, server.namespace),
        ready_within_seconds=_READY_SECONDS,
        death_signal="KILL",
    )


def migrate_plan(environment: Mapping[str, str]) -> ChildPlan:
    """``rushes migrate``: the tables, brought up to date."""
    return ChildPlan(
        name="migrate",
        command=(*_CLI, "migrate"),
        environment=environment,
        awaits="PostgreSQL has to answer, and nobody else to hold the tables that it brings up to date.",
    )


def api_plan(api_url: str, environment: Mapping[str, str]) -> ChildPlan:
    """``rushes api``."""
    return ChildPlan(
        name="api",
        command=(*_CLI, "api"),
        environment=environment,
        ready=lambda _: api_is_ready(api_url),
        ready_within_seconds=_READY_SECONDS,
    )


def worker_plan(client: Client, environment: Mapping[str, str], grace_seconds: float, *, alone: bool) -> ChildPlan:
    """The worker for all queues.

    Args:
        client: Of its Temporal server.
        environment: The whole environment.
        grace_seconds: How long it may take to hand its work back when it is stopped.
        alone: Temporal ends with the stack. When the stack is killed there is nobody to hand work back to.
    """
    return ChildPlan(
        name="worker",
        command=(sys.executable, str(_WORKER_SCRIPT), "--queue", "all"),
        environment=environment,
        ready=lambda started_at: worker_polls(client, started_at),
        ready_within_seconds=_READY_SECONDS,
        stop_within_seconds=grace_seconds + _WORKER_KILL_SECONDS,
        death_signal="KILL" if alone else "TERM",
    )


def service_environment(settings: Settings, *, port: int, database_url: str) -> dict[str, str]:
    """What api, worker and migrate have to know, whatever folder they run in."""
    profiles = {"RUSHES_PROFILES": str(settings.profiles)} if settings.profiles is not None else {}
    return profiles | {
        "RUSHES_HOME": str(settings.home),
        "RUSHES_UPLOADS": str(settings.uploads_folder),
        "RUSHES_SCRATCH": str(scratch_folder(settings)),
        "RUSHES_PORT": str(port),
        "RUSHES_WORKER_GRACE_SECONDS": str(worker_grace_seconds(settings)),
        "DATABASE_URL": database_url,
    }


def scratch_folder(settings: Settings) -> Path:
    """Where the stack's work in progress goes: into its home, unless a setting says otherwise.

    The default of the setting is one folder for the whole machine, where two users would stand in each other's way.
    """
    return settings.scratch if "scratch" in settings.model_fields_set else settings.home / "scratch"


def worker_grace_seconds(settings: Settings) -> float:
    """How long the stack's worker lets running steps finish; less than elsewhere, as a person waits for Ctrl-C."""
    return settings.worker_grace_seconds if "worker_grace_seconds" in settings.model_fields_set else _GRACE_SECONDS
