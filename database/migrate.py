"""Brings a database to the tables that this version needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from database.connecting import connection_arguments, parse_url, set_server_waits, unavailable
from database.revisions import VERSIONS_FOLDER, known_revisions

_LOCK: Final = 7_806_517_203_221_849_011
"""Key of the advisory lock under which the schema changes; any number that nobody else uses."""

_LOCK_TIMEOUT: Final = "60s"


class DatabaseIsNewer(Exception):
    """A later version of Rushes has migrated the database; this one doesn't know its tables."""


def migrate(url: str) -> None:
    """Bring the database to ``head_revision``, in one transaction; does nothing when it is there.

    Several processes may call it at once: one migrates, the others wait and find it done. Blocks, so call it from a
    thread where an event loop runs.

    Raises:
        DatabaseIsNewer: The database is at a revision that this version doesn't have.
        DatabaseUnavailable: PostgreSQL does not answer, or another process held the lock for a minute.
        ValueError: The address is not one of PostgreSQL.
    """
    with connection_to(url) as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        current = _revision(connection)
        if current is not None and current not in known_revisions():
            raise DatabaseIsNewer(
                f"The database is at revision {current}, which this version does not know: a later version of Rushes "
                "has migrated it. Run that version, or restore a backup from before."
            )
        command.upgrade(config(connection), "head")


def current_revision(url: str) -> str | None:
    """The revision that the database is at, or None before its first migration.

    Raises:
        DatabaseUnavailable: PostgreSQL does not answer.
        ValueError: The address is not one of PostgreSQL.
    """
    with connection_to(url) as connection:
        return _revision(connection)


def head_revision() -> str:
    """The revision that this version needs."""
    return known_revisions()[-1]


def config(connection: Connection | None = None, tables: MetaData | None = None) -> Config:
    """Alembic's configuration, without a file.

    Args:
        connection: What the commands run on.
        tables: What a new migration is compared with; no command needs it that runs those which are there.
    """
    # The option goes through ConfigParser, to which a percent sign in a path would mean something.
    made = Config()
    made.set_main_option("script_location", str(VERSIONS_FOLDER.parent).replace("%", "%%"))
    made.attributes["connection"] = connection
    made.attributes["tables"] = tables
    return made


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def connection_to(url: str) -> Iterator[Connection]:
    """A connection in a transaction, committed at the end. Raises as ``migrate`` does."""
    parsed = parse_url(url)
    engine = create_engine(parsed, poolclass=NullPool, connect_args=connection_arguments())
    set_server_waits(engine)
    try:
        with engine.begin() as connection:
            yield connection
    except OperationalError as error:
        raise unavailable(parsed, error) from error
    finally:
        engine.dispose()
