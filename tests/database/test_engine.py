"""A database that can't be reached has one name, soon, and is used again as soon as it is back."""

import asyncio
import os
import signal

import pytest
from sqlalchemy import text

from contracts.errors import DatabaseUnavailable
from contracts.status import VideoStatus
from database.connecting import hold_long, parse_url
from database.engine import Database
from database.migrate import head_revision
from database.tables import Video
from embedded.postgres import EmbeddedPostgres
from tests.database.samples import new_video, video_in

NOBODY_LISTENS = "postgresql://rushes:hush-hush@127.0.0.1:1/rushes"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
async def test_every_usual_form_of_the_address_works(database_url: str, scheme: str) -> None:
    database = Database(database_url.replace("postgresql", scheme, 1), pool_size=1)
    await database.ping(5)
    await database.dispose()


@pytest.mark.parametrize(
    "url", ["", "rushes", "sqlite:///rushes.db", "mysql://localhost/rushes", "postgresql+asyncpg://x/y"]
)
def test_an_address_of_anything_else_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="postgresql://"):
        parse_url(url)


async def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    database = Database(NOBODY_LISTENS, pool_size=1)
    with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1:1/rushes does not answer") as told:
        await database.videos.create_uploading(new_video())
    assert "hush-hush" not in str(told.value)
    with pytest.raises(DatabaseUnavailable):
        await database.ping(5)
    await database.dispose()


async def test_a_full_disk_is_told_as_that_and_that_the_same_can_be_asked_again(database: Database) -> None:
    refused = 'could not extend file "base/1/2": No space left on device'
    with pytest.raises(DatabaseUnavailable, match="its disk is full") as told:
        async with database.transaction() as session:
            await session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION '{refused}' USING ERRCODE = 'disk_full'; END $$"))
    assert refused in str(told.value)
    assert "does not answer" not in str(told.value)
    assert "Ask the same again in some seconds" in str(told.value)


async def test_a_wrong_password_is_told_as_no_database(database_url: str) -> None:
    database = Database(
        parse_url(database_url).set(password="wrong").render_as_string(hide_password=False), pool_size=1
    )
    with pytest.raises(DatabaseUnavailable, match="authentication failed"):
        await database.ping(5)
    await database.dispose()


async def test_tables_that_are_older_than_the_code_are_told_with_what_to_do(
    database: Database, empty_database_url: str
) -> None:
    empty = Database(empty_database_url, pool_size=1)
    for question in (empty.ping(5), empty.videos.count_by_status()):
        with pytest.raises(DatabaseUnavailable, match=r"has not the tables of this version .* Run `rushes migrate`"):
            await question
    await empty.dispose()

    async def ping_at(revision: str) -> None:
        async with database.transaction() as session:
            await session.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
        await database.ping(5)

    try:
        with pytest.raises(DatabaseUnavailable, match=rf"are at revision 0019, and it needs {head_revision()}"):
            await ping_at("0019")
        await ping_at("9999")  # of a later version, which this one works on beside
    finally:
        await ping_at(head_revision())


async def test_a_database_that_went_away_is_used_again_once_it_is_back(stoppable_postgres: EmbeddedPostgres) -> None:
    database = Database(stoppable_postgres.url(stoppable_postgres.port), pool_size=3)
    video = await video_in(database.videos, VideoStatus.PROCESSING)
    await asyncio.gather(*(database.ping(5) for _ in range(3)))
    await stoppable_postgres.stop()
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await database.videos.get(video.id)
    await stoppable_postgres.start()
    assert await database.videos.get(video.id) == video
    await database.dispose()


async def test_a_connection_that_breaks_in_a_transaction_is_no_database_and_nothing_is_kept(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.PROCESSING)

    async def change() -> None:
        async with database.transaction() as session:
            await session.execute(text("UPDATE videos SET title = 'changed'"))
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(DatabaseUnavailable):
        await change()
    assert await database.videos.get(video.id) == video


async def test_waiting_for_a_connection_of_a_busy_pool_has_an_end(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    async with database.transaction() as session:
        await session.execute(text("SELECT 1"))
        with pytest.raises(DatabaseUnavailable):
            await database.videos.count_by_status()
    await database.ping(5)
    await database.dispose()


async def test_a_ping_ends_in_time_though_the_server_hangs(stoppable_postgres: EmbeddedPostgres) -> None:
    database = Database(stoppable_postgres.url(stoppable_postgres.port), pool_size=1)
    async with database.transaction() as session:
        backend = await session.scalar(text("SELECT pg_backend_pid()"))
    assert isinstance(backend, int)
    assert stoppable_postgres.pid is not None
    for process in (stoppable_postgres.pid, backend):
        os.kill(process, signal.SIGSTOP)
    try:
        async with asyncio.timeout(2):
            with pytest.raises(DatabaseUnavailable, match="no answer in time"):
                await database.ping(0.2)
    finally:
        for process in (stoppable_postgres.pid, backend):
            os.kill(process, signal.SIGCONT)
    await database.ping(10)
    await database.dispose()


async def test_a_process_that_is_stopped_in_a_transaction_holds_its_rows_for_seconds(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.ERROR)
    patience = text("SHOW idle_in_transaction_session_timeout")
    async with database.transaction() as session:
        assert await session.scalar(patience) == "15s"
        assert await session.scalar(text("SELECT setting FROM pg_settings WHERE name = 'idle_session_timeout'")) == "0"
        await hold_long(session)
        assert await session.scalar(patience) == "5min"

    async def stop_in_the_midst() -> None:
        async with database.transaction() as stopped:
            await stopped.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
            await stopped.get(Video, video.id, with_for_update=True)
            async with database.videos.held(video.id) as held:
                assert held == video
            await stopped.scalar(patience)

    with pytest.raises(DatabaseUnavailable, match="idle-in-transaction timeout"):
        await stop_in_the_midst()
