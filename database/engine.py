"""The connection to PostgreSQL: one pool a process, and one place where "it does not answer" gets its name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
from sqlalchemy import URL, make_url, text
from sqlalchemy import exc as sqlalchemy_errors
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from contracts.errors import DatabaseUnavailable
from database.accounts import Accounts
from database.backlog import Backlog
from database.cohorts import Cohorts
from database.deletions import Deletions
from database.events import Events
from database.overview import Overview
from database.places import StoragePlaces
from database.upload_leases import UploadLeases
from database.videos import Videos
from database.webhooks import Webhooks

CONNECT_TIMEOUT_SECONDS: Final = 4
"""How long one connection may take to be made."""

POOL_TIMEOUT_SECONDS: Final = 3
"""How long a transaction waits for a free connection."""

TRANSACTION_TIMEOUT_SECONDS: Final = 10
"""How long one transaction may take from asking for a connection to its commit. Only a server that takes connections
and never answers lets it come to this; the driver needs up to 10 seconds more to give up on it."""

_UNAVAILABLE: Final = (
    sqlalchemy_errors.OperationalError,
    sqlalchemy_errors.InterfaceError,
    sqlalchemy_errors.TimeoutError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    TimeoutError,
    OSError,
)


class Database:
    """PostgreSQL, as the parts of the service see it.

    Attributes:
        videos: Every query on videos.
        backlog: Rows that nobody may have in hand any more.
        deletions: Rows of videos that are being deleted.
        places: Since when it knows a storage.
        accounts: Users, keys, and what is signed with.
        upload_leases: Who writes an upload that goes on.
        events: What happened.
        webhooks: Where it is sent.
        overview: What happened lately, counted.
        cohorts: Videos that failed for one reason.
    """

    def __init__(self, url: str, pool_size: int) -> None:
        """Describe the connection; nothing is connected until the first query.

        Args:
            url: ``postgresql://user:password@host:port/name``; ``postgres://`` and ``postgresql+psycopg://`` mean
                the same.
            pool_size: Most connections held at a time.

        Raises:
            ValueError: The address is not one of PostgreSQL.
        """
        self._url = parse_url(url)
        self._engine = create_async_engine(
            self._url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_SECONDS,
            pool_pre_ping=True,
            connect_args=connection_arguments(),
        )
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._abandoned: set[asyncio.Future[None]] = set()
        self.videos = Videos(self.transaction)
        self.backlog = Backlog(self.transaction)
        self.deletions = Deletions(self.transaction)
        self.places = StoragePlaces(self.transaction)
        self.accounts = Accounts(self.transaction)
        self.upload_leases = UploadLeases(self.transaction)
        self.events = Events(self.transaction)
        self.webhooks = Webhooks(self.transaction)
        self.overview = Overview(self.transaction)
        self.cohorts = Cohorts(self.transaction)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Open a session in a transaction, committed at the end, rolled back on any error.

        Raises:
            DatabaseUnavailable: PostgreSQL can't be reached, refuses the connection, or takes too long.
        """
        try:
            async with asyncio.timeout(TRANSACTION_TIMEOUT_SECONDS), self._sessions.begin() as session:
                yield session
        except _UNAVAILABLE as error:
            raise unavailable(self._url, error) from error

    async def ping(self, timeout_seconds: float) -> None:
        """Return once PostgreSQL has answered a query.

        Raises:
            DatabaseUnavailable: It did not within ``timeout_seconds``.
        """
        asking = asyncio.ensure_future(self._ask())
        try:
            answered, _ = await asyncio.wait({asking}, timeout=timeout_seconds)
        finally:
            if not asking.done():
                self._abandon(asking)
        if not answered:
            raise unavailable(self._url, TimeoutError())
        asking.result()

    async def dispose(self) -> None:
        """Close every connection. The next query would open new ones."""
        await asyncio.gather(*self._abandoned, return_exceptions=True)
        await self._engine.dispose()

    def _abandon(self, asking: asyncio.Future[None]) -> None:
        """Cancel a question without waiting: the driver takes seconds to give up on a server that hangs."""
        asking.cancel()
        self._abandoned.add(asking)
        asking.add_done_callback(self._abandoned.discard)

    async def _ask(self) -> None:
        async with self.transaction() as session:
            await session.execute(text("SELECT 1"))


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


def unavailable(url: URL, error: BaseException) -> DatabaseUnavailable:
    """The error to raise when PostgreSQL at ``url`` failed with ``error``; it never has the password."""
    cause = error.orig if isinstance(error, sqlalchemy_errors.DBAPIError) and error.orig is not None else error
    reason = next(iter(str(cause).strip().splitlines()), "") or "no answer in time"
    place = f"{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"
    return DatabaseUnavailable(f"PostgreSQL at {place} does not answer: {reason}")
