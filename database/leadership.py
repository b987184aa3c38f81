"""Of several processes one leads: who holds an advisory lock of PostgreSQL.

The lock is held by a connection of its own, so it is free as soon as its holder or the way to it is gone. A holder that
is stopped (SIGSTOP, a virtual machine that pauses) keeps its connection, but says nothing on it: PostgreSQL ends one
that was silent for some seconds, so whoever leads says something all the while, also in the midst of a long pass.

A pooler that lends a connection for one transaction (PgBouncer's transaction mode) can't carry the lock: connect to
PostgreSQL itself.
"""

import asyncio
from types import TracebackType
from typing import Final, Self

from sqlalchemy import NullPool, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from database.connecting import connection_arguments, parse_url, set_server_waits

_LOCK: Final = 7_806_517_203_221_849_012
"""Any number that nobody else uses."""

_SAID_IN_THAT_TIME: Final = 4


class Leadership:
    """One process's claim to lead; any number of its tasks may ask at the same time.

    Args:
        url: Address of the database.
        silent_seconds: After which one that was stopped leads no more.
    """

    def __init__(self, url: str, *, silent_seconds: float = 10) -> None:
        self._engine = create_async_engine(
            parse_url(url), poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=connection_arguments()
        )
        set_server_waits(self._engine.sync_engine, idle_session_timeout=f"{round(silent_seconds * 1000)}ms")
        self._silent_seconds = silent_seconds
        self._staying: asyncio.Task[None] | None = None
        self._connection: AsyncConnection | None = None
        self._turn = asyncio.Lock()  # of two that connect at once, one would leave behind what holds the lock

    async def __aenter__(self) -> Self:
        """Claims nothing yet."""
        self._staying = asyncio.create_task(self._stay(), name="leadership: stay")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let another lead."""
        if self._staying is not None:
            self._staying.cancel()
            await asyncio.gather(self._staying, return_exceptions=True)
        async with self._turn:
            await self._let_go()
        await self._engine.dispose()

    async def leads(self) -> bool:
        """Whether this process leads, from now on or still. False also while PostgreSQL does not answer."""
        async with self._turn:
            return await self._holds() or await self._takes()

    async def _stay(self) -> None:
        while True:
            await asyncio.sleep(self._silent_seconds / _SAID_IN_THAT_TIME)
            async with self._turn:
                await self._holds()

    async def _holds(self) -> bool:
        if self._connection is None:
            return False
        try:
            await self._connection.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError, TimeoutError):
            await self._let_go()
            return False
        return True

    async def _takes(self) -> bool:
        try:
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
