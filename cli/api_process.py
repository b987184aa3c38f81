"""``rushes api``: the api, as a process of its own."""

import asyncio
from contextlib import suppress
from typing import Final

import typer
import uvicorn

from accounts.door import KeyNeeded, check_door, is_loopback
from api.connections import ConnectionLimits, bounded_connections, room_for_connections
from cli.api_server import ApiServer
from cli.console import messages
from cli.errors import CommandFailed, ExitCode
from contracts.errors import DatabaseUnavailable
from database.engine import Database
from settings import Settings, load_settings

_CLOSE_SECONDS: Final = 5


def api() -> None:
    """Serve the api: on RUSHES_HOST and RUSHES_PORT, until SIGTERM or Ctrl-C."""
    settings = load_settings()
    asyncio.run(_check_door(settings))
    server = ApiServer(config_of(settings))
    with suppress(KeyboardInterrupt):  # uvicorn raises it again when it has stopped
        server.run()
    if not server.started:
        raise typer.Exit(ExitCode.FAILED)


def config_of(settings: Settings) -> uvicorn.Config:
    """How the server listens, and to which proxies."""
    most = room_for_connections(settings.max_connections)
    return uvicorn.Config(
        "api.main:build",
        factory=True,
        http=bounded_connections(ConnectionLimits(most)),
        host=settings.host,
        port=settings.port,
        forwarded_allow_ips=list(settings.trusted_proxies),
        log_config=None,
        timeout_graceful_shutdown=_CLOSE_SECONDS,
    )


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
