"""Which database this is, and since when it knows a storage.

What is older there may belong to rows that it never had, or has lost.

Rows that are put back, from a dump, a snapshot or an archive, or by a standby that lagged behind, bring along what they
knew, and would take each original that came after them for nobody's. So beside them stands what can't be put back with
them: when the server started, and which of its transactions wrote the row. Where either is another, all begins anew.
"""

import hashlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Final, cast

import psycopg
import structlog
from sqlalchemy import select, text
from sqlalchemy.exc import NotSupportedError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from database.tables import StoragePlace

_NOTE: Final = text("""
    INSERT INTO storage_places (identity, known_since, server_started_at, written_by)
    VALUES (:identity, now(), pg_postmaster_start_time(), pg_current_xact_id()::xid::text)
    ON CONFLICT (identity) DO UPDATE SET
        known_since = excluded.known_since,
        server_started_at = excluded.server_started_at,
        written_by = excluded.written_by
    WHERE (storage_places.server_started_at, storage_places.written_by)
        IS DISTINCT FROM (excluded.server_started_at, storage_places.xmin::text)
    RETURNING known_since
""")

_DATABASE: Final = text("""
    SELECT system_identifier || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())
    FROM pg_control_system()
""")
_NOT_TOLD: Final = (psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported)
_DIGITS: Final = 32

_logger = structlog.stdlib.get_logger(__name__)


class StoragePlaces:
    """The queries. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        """Take the way to open a transaction, ``Database.transaction``."""
        self._transaction = transaction

    async def database(self) -> str | None:
        """Which database this is, in hexadecimal digits: another one wherever its rows were brought to from a dump.

        None where PostgreSQL does not tell, as some that are run by others may. A copy of the whole server's files is
        the same one.
        """
        try:
            async with self._transaction() as session:
                told: str = await session.scalar(_DATABASE)
        except (ProgrammingError, NotSupportedError) as error:
            if isinstance(error.orig, _NOT_TOLD):
                return None
            raise
        return hashlib.sha256(told.encode()).hexdigest()[:_DIGITS]

    async def known_since(self, identity: str) -> datetime:
        """Since when these very rows have stood beside the place with this identity.

        That is now where they were never asked for it, where they were put back since, and where PostgreSQL was started
        anew: whether what it started with are the rows of before, it can't tell.
        """
        known = select(col(StoragePlace.known_since)).where(col(StoragePlace.identity) == identity)
        async with self._transaction() as session:
            anew: datetime | None = await session.scalar(_NOTE, {"identity": identity})
            if anew is None:
                return cast("datetime", await session.scalar(known))
        _logger.info(
            "storage known anew",
            storage=identity,
            since=anew.isoformat(),
            reason="The database is new here, was started anew, or was put back. Originals and published files from "
            "before of which no row speaks stay, until `rushes sweep --all`.",
        )
        return anew
