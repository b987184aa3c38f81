"""A dump is restored in place of all that is there, also one of an older version, or nothing happens."""

import asyncio
from pathlib import Path

import psycopg
from alembic import command
from sqlalchemy import NullPool, create_engine

from database.connecting import parse_url
from database.migrate import config, head_revision
from tests.cli.test_accounts_commands import audited
from tests.fixtures.postgres import PostgresServer
from tests.fixtures.stack import Home


def migrate_to(url: str, revision: str) -> None:
    """Tables as an older version made them."""
    with create_engine(parse_url(url), poolclass=NullPool).begin() as connection:
        command.upgrade(config(connection), revision)


async def users(url: str) -> list[str]:
    """Names of all of them: rows that need few columns."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return [name for (name,) in await (await connection.execute("SELECT name FROM users ORDER BY name")).fetchall()]


async def add_user(url: str, name: str) -> None:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("INSERT INTO users (name, created_at) VALUES (%s, now())", (name,))


async def test_an_older_dump_takes_the_place_of_newer_tables_and_is_brought_up(
    home: Home, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    older, newer = [postgres_server.database_url(await postgres_server.create_database()) for _ in range(2)]
    await asyncio.to_thread(migrate_to, older, "0008")
    await asyncio.to_thread(migrate_to, newer, "head")
    await add_user(older, "ann")
    await add_user(newer, "bob")
    dump = tmp_path / "rows.dump"
    dumped = await home.with_settings(DATABASE_URL=older).rushes("database", "dump", str(dump))
    assert dumped.code == 0, dumped
    again = await home.with_settings(DATABASE_URL=newer).rushes("database", "dump", str(dump))
    assert (again.code, "rows.dump already, perhaps the only dump" in again.err) == (2, True), again
    again = await home.with_settings(DATABASE_URL=older).rushes("database", "dump", "--replace", str(dump))
    assert again.code == 0, again
    on_newer = home.with_settings(DATABASE_URL=newer)
    refused = await on_newer.rushes("database", "restore", str(dump))
    assert refused.code == 2
    assert "The database is not empty: 0 videos, 1 user, 0 webhooks. All of these would go." in refused.err
    assert await users(newer) == ["bob"]
    restored = await on_newer.rushes("database", "restore", "--replace", str(dump))
    assert (restored.code, audited(restored)) == (0, [("rows put back",)]), restored
    migrated = await on_newer.rushes("migrate")
    assert migrated.out.startswith(f"The database is at revision {head_revision()}; it was at 0008."), migrated
    assert await users(newer) == ["ann"]

    (tmp_path / "broken.dump").write_bytes((await asyncio.to_thread(dump.read_bytes))[:-3000])
    broken = await on_newer.rushes("database", "restore", "--replace", str(tmp_path / "broken.dump"))
    assert broken.code == 1
    assert await users(newer) == ["ann"], "all or nothing"
