"""Migrations make exactly the tables of the code, from any start, whoever else migrates."""

import asyncio

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from contracts.errors import DatabaseUnavailable
from contracts.status import VideoStatus
from database.connecting import parse_url
from database.engine import Database
from database.migrate import DatabaseIsNewer, config, current_revision, head_revision, migrate
from database.revisions import known_revisions
from tests.database.samples import video_in


def table_names(url: str) -> set[str]:
    """Names of the database's tables."""
    engine = create_engine(parse_url(url))
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_a_migrated_database_has_exactly_the_tables_of_the_code(database_url: str) -> None:
    engine = create_engine(parse_url(database_url))
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            assert compare_metadata(context, SQLModel.metadata) == []
    finally:
        engine.dispose()


def test_what_alembic_does_not_compare_is_the_same_too(database_url: str, empty_database_url: str) -> None:
    def details(url: str) -> list[tuple[str, str]]:
        with psycopg.connect(url) as connection:
            kept = "conname !~ 'not_null' AND contype <> 't'"  # triggers are the migrations' alone
            checks = f"SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE {kept}"  # noqa: S608
            indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
            found = connection.execute(checks).fetchall() + connection.execute(indexes).fetchall()
        return sorted((name, definition) for name, definition in found if "alembic" not in name)

    engine = create_engine(parse_url(empty_database_url))
    SQLModel.metadata.create_all(engine)
    engine.dispose()
    assert details(database_url) == details(empty_database_url)


def test_the_names_of_the_migrations_tell_the_revisions_in_their_order() -> None:
    scripts = ScriptDirectory.from_config(config()).walk_revisions()
    assert known_revisions() == tuple(reversed([script.revision for script in scripts]))


def test_migrating_twice_is_the_same_as_once(empty_database_url: str) -> None:
    assert current_revision(empty_database_url) is None
    migrate(empty_database_url)
    migrate(empty_database_url)
    assert current_revision(empty_database_url) == head_revision()


def test_every_migration_can_be_taken_back_and_applied_again(database_url: str) -> None:
    engine = create_engine(parse_url(database_url))
    try:
        with engine.begin() as connection:
            command.downgrade(config(connection), "base")
    finally:
        engine.dispose()
    assert table_names(database_url) == {"alembic_version"}
    migrate(database_url)
    assert table_names(database_url) == {"alembic_version", *SQLModel.metadata.tables}


async def test_six_processes_may_migrate_at_once(empty_database_url: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(migrate, empty_database_url) for _ in range(6)))
    assert await asyncio.to_thread(current_revision, empty_database_url) == head_revision()


async def test_migrating_keeps_the_videos(database: Database, database_url: str) -> None:
    video = await video_in(database.videos, VideoStatus.READY)
    await asyncio.to_thread(migrate, database_url)
    assert await database.videos.get(video.id) == video


def test_a_video_from_before_profiles_has_the_default_one_and_neither_warnings_nor_a_cancel(
    empty_database_url: str,
) -> None:
    insert = (
        "INSERT INTO videos (id, user_id, title, status, file_size_bytes, original_filename, original_key, attempt,"
        " created_at, updated_at) VALUES (gen_random_uuid(), 'local', 'A holiday', 'ready', 1, 'a.mp4', 'a', 1,"
        " now(), now())"
    )
    engine = create_engine(parse_url(empty_database_url))
    with engine.begin() as connection:
        command.upgrade(config(connection), "0001")
        connection.execute(text(insert))
    engine.dispose()
    migrate(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(insert)  # as the api of before goes on doing while it is replaced
        found = connection.execute("SELECT profile, warnings, cancel_requested_at FROM videos").fetchall()
    assert found == [("web", [], None)] * 2


async def test_the_database_refuses_a_status_that_does_not_exist(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.READY)
    with pytest.raises(IntegrityError, match="videos_status_check"):
        async with database.transaction() as session:
            await session.execute(text("UPDATE videos SET status = 'done'"))
    assert await database.videos.get(video.id) == video


def test_a_database_that_a_later_version_migrated_is_left_alone(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseIsNewer, match="revision 9999"):
        migrate(database_url)


@pytest.mark.parametrize("call", [migrate, current_revision])
def test_a_database_that_does_not_answer_is_told(call: object) -> None:
    assert callable(call)
    with pytest.raises(DatabaseUnavailable, match=r"PostgreSQL at 127\.0\.0\.1:1/rushes does not answer"):
        call("postgresql://rushes:secret@127.0.0.1:1/rushes")
