"""The connection to PostgreSQL: one pool a process, and one place where "it does not answer" gets its name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import psycopg
from sqlalchemy import exc as sqlalchemy_errors
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from database.accounts import Accounts
from database.backlog import Backlog
from database.cohorts import Cohorts
from database.connecting import connection_arguments, other_tables, parse_url, set_server_waits, unavailable
from database.deletions import Deletions
from database.editions import Editions
from database.events import Events
from database.overview import Overview
from database.places import StoragePlaces
from database.reprocessing import Reprocessings
from database.revisions import are_older, known_revisions
from database.upload_leases import UploadLeases
from database.videos import Videos
from database.webhooks import Webhooks

POOL_TIMEOUT_SECONDS: Final = 3
"""How long a transaction waits for a free connection."""

TRANSACTION_TIMEOUT_SECONDS: Final = 10
"""How long one transaction may take from asking for a connection to its commit. Only a server that takes connections
and never answers lets it come to this; the driver needs up to 10 seconds more to give up on it."""

_REVISION: Final = text("SELECT version_num FROM alembic_version")
_OTHER_TABLES: Final = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)
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
        reprocessings: Those of ready videos that are made anew.
        editions: Which of their published files are to be there.
        places: Since when it knows a storage.
        accounts: Users, keys, and what is signed with.
        upload_leases: Who writes an upload that goes on.
        events: What happened.
        webhooks: Where it is sent.
        overview: What happened lately, counted.
        cohorts: Videos that failed for one reason.
    """

    def __init__(self, url: str, pool_size: int, *, transaction_seconds: float = TRANSACTION_TIMEOUT_SECONDS) -> None:
        """Describe the connection; nothing is connected until the first query.

        Args:
            url: ``postgresql://user:password@host:port/name``; ``postgres://`` and ``postgresql+psycopg://`` mean
                the same.
            pool_size: Most connections held at a time.
            transaction_seconds: How long a transaction may take.

        Raises:
            ValueError: The address is not one of PostgreSQL.
        """
        self._url = parse_url(url)
        self._transaction_seconds = transaction_seconds
        self._engine = create_async_engine(
            self._url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_SECONDS,
            pool_pre_ping=True,
            connect_args=connection_arguments(),
        )
        set_server_waits(self._engine.sync_engine)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._abandoned: set[asyncio.Future[None]] = set()
        self.videos = Videos(self.transaction)
        self.backlog = Backlog(self.transaction)
        self.deletions = Deletions(self.transaction)
        self.reprocessings = Reprocessings(self.transaction)
        self.editions = Editions(self.transaction)
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
            DatabaseUnavailable: PostgreSQL can't be reached, refuses, takes too long, or has older tables.
        """
        try:
            async with asyncio.timeout(self._transaction_seconds), self._sessions.begin() as session:
                yield session
        except _UNAVAILABLE as error:
            raise unavailable(self._url, error) from error
        except sqlalchemy_errors.ProgrammingError as error:
            if isinstance(error.orig, _OTHER_TABLES):
                raise other_tables(self._url, error) from error
            raise
        except sqlalchemy_errors.InternalError as error:
            if isinstance(error.orig, psycopg.errors.IdleInTransactionSessionTimeout):  # this process was stopped
                raise unavailable(self._url, error) from error
            raise

    async def ping(self, timeout_seconds: float) -> None:
        """Return once PostgreSQL has said that it has the tables of this version, or of a later one.

        Raises:
            DatabaseUnavailable: It did not within ``timeout_seconds``, or has older ones.
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
            revision = await session.scalar(_REVISION)
        if are_older(revision):
            raise other_tables(self._url, f"they are at revision {revision}, and it needs {known_revisions()[-1]}")
