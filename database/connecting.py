"""How PostgreSQL is reached: by which address, what a connection is made with, and what it means when it fails."""

from contextlib import closing
from typing import Any, Final

import psycopg
from sqlalchemy import URL, Engine, event, make_url, text
from sqlalchemy import exc as sqlalchemy_errors
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import ConnectionPoolEntry

from contracts.errors import DatabaseUnavailable

CONNECT_TIMEOUT_SECONDS: Final = 4
"""How long one connection may take to be made."""

_SERVER_WAITS: Final = {
    "tcp_keepalives_idle": "5s",
    "tcp_keepalives_interval": "2s",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10s",
    "idle_in_transaction_session_timeout": "15s",
}
"""The server's patience with a silent client. No transaction of ours pauses so long, but ``hold_long``."""

_HELD_LONG: Final = text("SET LOCAL idle_in_transaction_session_timeout = '5min'")


def parse_url(url: str) -> URL:
    """The address for SQLAlchemy, with the driver that is used here.

    Raises:
        ValueError: It is not an address of PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except sqlalchemy_errors.ArgumentError as error:
        raise ValueError("The database's address must read postgresql://user:password@host:port/name.") from error
    if parsed.drivername not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise ValueError(f"The database must be PostgreSQL (postgresql://…), not {parsed.drivername}.")
    return parsed.set(drivername="postgresql+psycopg")


def connection_arguments() -> dict[str, Any]:
    """What every connection is made with: short waits, so that a network that went away is noticed."""
    return {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "application_name": "rushes",
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,  # milliseconds
    }


def set_server_waits(engine: Engine, **more: str) -> None:
    """Have the server notice, too, on every connection of the engine, that a client is gone, or stopped.

    It would keep rows and locks of a process whose machine has vanished for two hours, and of one that is stopped for
    ever. Said by a statement: poolers refuse connections that say it when they begin.

    Args:
        engine: Before its first connection.
        more: Further settings of PostgreSQL for these connections.
    """
    settings = [f"set_config('{name}', '{value}', false)" for name, value in (_SERVER_WAITS | more).items()]
    statement = f"SELECT {', '.join(settings)}"

    @event.listens_for(engine, "connect")
    def set_waits(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        with closing(connection.cursor()) as cursor:
            cursor.execute(statement)
        connection.commit()


async def hold_long(session: AsyncSession) -> None:
    """Let this transaction hold its rows while files go: a disk may be slow, and what it was asked can't be ended."""
    await session.execute(_HELD_LONG)


def unavailable(url: URL, error: BaseException) -> DatabaseUnavailable:
    """The error to raise when PostgreSQL at ``url`` failed with ``error``; it never has the password."""
    if isinstance(_cause(error), psycopg.errors.DiskFull):
        return DatabaseUnavailable(
            f"PostgreSQL at {_place(url)} can note nothing, as its disk is full ({_reason(error)}). Ask the same again "
            "in some seconds: a stack keeps room for that moment and gives it back then. Where the disk is full still, "
            "make room on it first."
        )
    return DatabaseUnavailable(f"PostgreSQL at {_place(url)} does not answer: {_reason(error) or 'no answer in time'}")


def other_tables(url: URL, found: BaseException | str) -> DatabaseUnavailable:
    """The error to raise when the tables at ``url`` are older than this version: what is wrong, or was found there."""
    reason = found if isinstance(found, str) else _reason(found)
    return DatabaseUnavailable(
        f"PostgreSQL at {_place(url)} has not the tables of this version ({reason}). Run `rushes migrate`."
    )


def _place(url: URL) -> str:
    return f"{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"


def _reason(error: BaseException) -> str:
    return next(iter(str(_cause(error)).strip().splitlines()), "")


def _cause(error: BaseException) -> BaseException:
    return error.orig if isinstance(error, sqlalchemy_errors.DBAPIError) and error.orig is not None else error
