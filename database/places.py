"""Since when this database knows a storage: what is older there may belong to rows that it never had, or has lost."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from database.tables import StoragePlace


class StoragePlaces:
    """The queries. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        """Take the way to open a transaction, ``Database.transaction``."""
        self._transaction = transaction

    async def known_since(self, identity: str) -> datetime:
        """When it was first asked for the place with this identity: now, where that was never before."""
        first = insert(StoragePlace).values(identity=identity, known_since=func.now()).on_conflict_do_nothing()
        known = select(col(StoragePlace.known_since)).where(col(StoragePlace.identity) == identity)
        async with self._transaction() as session:
            await session.execute(first)
            return cast("datetime", await session.scalar(known))
