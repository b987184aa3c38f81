"""``rushes migrate``: the tables, brought up to date."""

from cli.console import output
from cli.errors import CommandFailed, ExitCode
from cli.where import find_service
from contracts.errors import DatabaseUnavailable
from database.migrate import DatabaseIsNewer, current_revision, head_revision
from database.migrate import migrate as migrate_database


def migrate() -> None:
    """Bring the database to the tables that this version needs: that of DATABASE_URL, or of the running stack."""
    url = find_service().settings.required_database_url
    try:
        before = current_revision(url)
        migrate_database(url)
    except DatabaseUnavailable as error:
        raise CommandFailed(str(error), ExitCode.UNAVAILABLE) from error
    except (DatabaseIsNewer, ValueError) as error:
        raise CommandFailed(str(error)) from error
    head = head_revision()
    came_from = "" if before == head else f"; it was at {before or 'none'}"
    output().print(f"The database is at revision {head}{came_from}.")
