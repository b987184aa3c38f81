"""Of several processes one leads: who holds an advisory lock of PostgreSQL.

The lock is held by a connection of its own, so it is free as soon as its holder or the way to it is gone. A pooler that
lends a connection for one transaction (PgBouncer's transaction mode) can't carry it: connect to PostgreSQL itself.
"""

import asyncio
from types import TracebackType
from typing import Final, Self

from sqlalchemy import NullPool, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from database.connecting import connection_arguments, parse_url

_LOCK: Final = 7_806_517_203_221_849_012
"""Any number that nobody else uses."""


class Leadership:
    """One process's claim to lead; any number of its tasks may ask at the same time.

    Args:
        url: Address of the database.
    """

    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(
            parse_url(url), poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=connection_arguments()
        )
        self._connection: AsyncConnection | None = None
        self._turn = asyncio.Lock()  # of two that connect at once, one would leave behind what holds the lock

    async def __aenter__(self) -> Self:
        """Claims nothing yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let another lead."""
        async with self._turn:
            await self._let_go()
        await self._engine.dispose()

    async def leads(self) -> bool:
        """Whether this process leads, from now on or still. False also while PostgreSQL does not answer."""
        async with self._turn:
            return await self._holds_or_takes()

    async def _holds_or_takes(self) -> bool:
        try:
            if self._connection is not None:
                await self._connection.execute(text("SELECT 1"))
                return True
            self._connection = await self._engine.connect()
            if await self._connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK}):
                return True
        except (SQLAlchemyError, OSError, TimeoutError):
            pass
        await self._let_go()
        return False

    async def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.invalidate()  # not handed back: whatever becomes of it, its lock goes with it
                await connection.close()
            except (SQLAlchemyError, OSError, TimeoutError):
                return
