"""What Alembic runs: the migrations, on the connection that ``database.migrate`` opened.

A new one, against a database at head: ``rushes`` has no command for it, Alembic's API does:
``alembic.command.revision(database.migrate.config(connection, tables), "what changes", autogenerate=True)``, where
``tables`` is ``SQLModel.metadata`` once ``database.tables`` was imported. What migrates needs no tables of the code.
"""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["tables"],
    compare_type=True,
    compare_server_default=True,
)

with context.begin_transaction():
    context.run_migrations()
