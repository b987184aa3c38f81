"""Two databases on one storage: the second one is told so, and does nothing to the files of the first."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.errors import StorageFailed
from database.engine import Database
from database.places import StoragePlaces
from runs.ownership import Ownership, StorageOfAnother
from storage.disk import DiskStorage
from tests.fixtures.postgres import PostgresServer


@pytest_asyncio.fixture
async def databases(postgres_server: PostgresServer) -> AsyncIterator[tuple[Database, Database]]:
    """Two on one server, without any table."""
    names = [await postgres_server.create_database() for _ in range(2)]
    first, second = [Database(postgres_server.database_url(name), pool_size=1) for name in names]
    yield first, second
    for database, name in zip((first, second), names, strict=True):
        await database.dispose()
        await postgres_server.drop_database(name)


async def test_a_storage_is_that_databases_which_came_first_or_adopted_it_last(
    databases: tuple[Database, Database], tmp_path: Path
) -> None:
    storage = DiskStorage(tmp_path / "uploads", tmp_path / "scratch")
    first, second = [Ownership(database.places, storage) for database in databases]
    assert [await one.look() for one in (first, second)] == [True, True]
    assert [await one.is_ours() for one in (first, second)] == [True, False]
    with pytest.raises(StorageOfAnother, match="`rushes storage adopt`"):
        await second.check()
    await second.adopt()
    assert await second.is_ours()
    assert not await first.look()
    assert not await Ownership(databases[0].places, storage).is_ours()


async def test_a_storage_that_says_nothing_is_as_it_was_last_and_before_that_nobodys(
    databases: tuple[Database, Database], tmp_path: Path
) -> None:
    class Away(DiskStorage):
        is_away = True

        async def claim(self, database: str, *, replace: bool = False) -> str:
            if self.is_away:
                raise StorageFailed("The disk does not answer.")
            return await super().claim(database, replace=replace)

    storage = Away(tmp_path / "uploads", tmp_path / "scratch")
    first, second = [Ownership(database.places, storage) for database in databases]
    with pytest.raises(StorageFailed, match="does not answer"):
        await first.is_ours()
    storage.is_away = False
    assert [await one.is_ours() for one in (first, second)] == [True, False]
    storage.is_away = True
    assert [await one.is_ours() for one in (first, second)] == [True, False]


async def test_where_a_server_does_not_tell_which_database_it_is_nothing_is_claimed(
    databases: tuple[Database, Database], tmp_path: Path
) -> None:
    database, _ = databases
    storage = DiskStorage(tmp_path / "uploads", tmp_path / "scratch")
    async with database.transaction() as session:  # of this database alone
        await session.execute(text("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC"))

    @asynccontextmanager
    async def as_anybody() -> AsyncIterator[AsyncSession]:
        async with database.transaction() as session:
            await session.execute(text("SET LOCAL ROLE pg_monitor"))
            yield session

    assert await Ownership(StoragePlaces(as_anybody), storage).is_ours()
    assert await storage.owner() is None
