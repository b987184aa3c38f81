"""``rushes migrate``, ``api`` and ``worker``: the parts of the service, each as a process of its own."""

import asyncio
import runpy
import sys
from contextlib import suppress
from enum import StrEnum
from typing import Annotated, Final

import typer
import uvicorn

from accounts.door import KeyNeeded, check_door, is_loopback
from api.connections import ConnectionLimits, bounded_connections, room_for_connections
from cli.api_server import ApiServer
from cli.console import messages, output
from cli.errors import CommandFailed, ExitCode
from cli.where import find_service
from contracts.errors import DatabaseUnavailable
from contracts.temporal_names import CONTROL_QUEUE, MEDIA_QUEUE
from database.engine import Database
from settings import Settings, load_settings

_CLOSE_SECONDS: Final = 5


class Queue(StrEnum):
    """What a worker works for."""

    CONTROL = CONTROL_QUEUE
    MEDIA = MEDIA_QUEUE
    ALL = "all"


def migrate() -> None:
    """Bring the database of DATABASE_URL, or of the running stack, to the tables that this version needs."""
    # Alembic takes half a second to import, and the api is started through this module too.
    from database.migrate import DatabaseIsNewer, current_revision, head_revision  # noqa: PLC0415
    from database.migrate import migrate as migrate_database  # noqa: PLC0415

    url = find_service().settings.required_database_url
    try:
        before = current_revision(url)
        migrate_database(url)
    except DatabaseUnavailable as error:
        raise CommandFailed(str(error), ExitCode.UNAVAILABLE) from error
    except (DatabaseIsNewer, ValueError) as error:
        raise CommandFailed(str(error)) from error
    head = head_revision()
    came_from = "" if before == head else f"; it was at {before or 'none'}"
    output().print(f"The database is at revision {head}{came_from}.")


def api() -> None:
    """Serve the api on RUSHES_HOST and RUSHES_PORT, until SIGTERM or Ctrl-C."""
    settings = load_settings()
    asyncio.run(_check_door(settings))
    most = room_for_connections(settings.max_connections)
    config = uvicorn.Config(
        "api.main:build",
        factory=True,
        http=bounded_connections(ConnectionLimits(most)),
        host=settings.host,
        port=settings.port,
        log_config=None,
        timeout_graceful_shutdown=_CLOSE_SECONDS,
    )
    server = ApiServer(config)
    with suppress(KeyboardInterrupt):  # uvicorn raises it again when it has stopped
        server.run()
    if not server.started:
        raise typer.Exit(ExitCode.FAILED)


async def _check_door(settings: Settings) -> None:
    """A database that is away is no reason not to start: each request asks anew."""
    if is_loopback(settings.host):
        return
    database = Database(settings.required_database_url, pool_size=1)
    try:
        await check_door(settings.host, database.accounts)
    except DatabaseUnavailable as error:
        messages().print(f"Whether there are keys is not known yet. {error}", soft_wrap=True)
    except KeyNeeded as error:
        raise CommandFailed(str(error), ExitCode.USAGE) from error
    finally:
        await database.dispose()


def worker(
    queue: Annotated[Queue, typer.Option(help="Which task queue to work for.")] = Queue.ALL,
    slots: Annotated[int | None, typer.Option(min=1, help="ffmpeg activities at once.")] = None,
    label: Annotated[str | None, typer.Option(help="What Temporal shows of this worker beside its host.")] = None,
) -> None:
    """Work for Rushes, on this machine's running stack or as the settings say, until SIGTERM or Ctrl-C."""
    chosen = {"--queue": queue.value, "--slots": slots, "--label": label}
    given = [text for name, value in chosen.items() if value is not None for text in (name, str(value))]
    sys.argv = ["worker.py", *given]
    runpy.run_module("worker", run_name="__main__", alter_sys=True)
