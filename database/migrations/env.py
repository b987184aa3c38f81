"""What Alembic runs: the migrations, on the connection that ``database.migrate`` opened.

A new one, against a database at head: ``rushes`` has no command for it, Alembic's API does:
``alembic.command.revision(database.migrate.config(connection), "what changes", autogenerate=True)``.
"""

from alembic import context
from sqlmodel import SQLModel

from database import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    compare_type=True,
    compare_server_default=True,
)
assert "videos" in SQLModel.metadata.tables, tables  # noqa: S101 - importing the tables is what fills the metadata

with context.begin_transaction():
    context.run_migrations()
