"""``rushes database``: a dump of the rows, and the way back, by PostgreSQL's own programs."""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy.engine import URL, make_url

from cli.audit import audit
from cli.console import output
from cli.errors import CommandFailed, ExitCode
from cli.owning import settle_after_restore
from cli.where import find_service
from contracts.errors import DatabaseUnavailable
from contracts.sizes import size_text
from database.contents import rows_of_people
from embedded.postgres_programs import EmbeddedPostgresError, client_program

_FILE: Final = "In PostgreSQL's custom format, as pg_dump and pg_restore know it."


_EMPTIED: Final = "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"


def dump(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=_FILE)],
    replace: Annotated[bool, typer.Option("--replace", help="Also where there is such a file: it goes.")] = False,
) -> None:
    """Write all rows to a file while everything runs, as they were at one moment.

    Copy the stored files after it, not before: a file without a row is missed by nobody, a row without its file is.
    """
    if file.exists() and not replace:
        told = f"There is a file {file} already, perhaps the only dump. Name another one, or say so with --replace."
        raise CommandFailed(told, ExitCode.USAGE)
    part = file.with_name(f"{file.name}.part")
    try:
        _run([*_reaching("pg_dump"), "--format=custom", "--no-owner", f"--file={part}"])
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    output().print(f"{file}: {size_text(file.stat().st_size)}. Now copy the stored files.", soft_wrap=True)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, help=_FILE)],
    replace: Annotated[bool, typer.Option("--replace", help="Also where the database has rows: they go.")] = False,
) -> None:
    """Put the rows of a dump in place of all that is there; all or nothing.

    Stop the api and the workers before. Then run `rushes migrate`, which brings an older dump to this version, and
    `rushes verify`.
    """
    if not replace:
        _refuse_rows()
    with tempfile.TemporaryDirectory(prefix="rushes-restore-") as name:
        script = Path(name) / "rows.sql"
        _run([_program("pg_restore"), "--no-owner", f"--file={script}", str(file)])
        quiet = ("--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--single-transaction")
        steps = (f"--command={_EMPTIED}", f"--file={script}")
        _run([*_reaching("psql"), *quiet, *steps])
    audit(find_service().settings.home, "rows put back", dump=file.name)
    output().print("Restored. Now run `rushes migrate`, and then `rushes verify`.")
    if left := settle_after_restore(find_service()):
        output().print(left, soft_wrap=True)


def _refuse_rows() -> None:
    """Raise ``CommandFailed`` where there is something that a restore would remove."""
    try:
        counts = rows_of_people(find_service().settings.required_database_url)
    except DatabaseUnavailable as error:
        raise CommandFailed(str(error), ExitCode.UNAVAILABLE) from error
    if any(counts.values()):
        told = ", ".join(f"{count} {name if count != 1 else name.removesuffix('s')}" for name, count in counts.items())
        raise CommandFailed(
            f"The database is not empty: {told}. All of these would go. Say so with --replace, and stop the api and "
            "the workers first: what they write meanwhile is lost, and they go on with rows that are there no more.",
            ExitCode.USAGE,
        )


def _reaching(name: str) -> list[str]:
    """The program and where the database is, without the password, which ps would show."""
    url = make_url(find_service().settings.required_database_url)
    place = URL.create(
        "postgresql", url.username, host=url.host, port=url.port, database=url.database, query=url.query
    ).render_as_string()
    return [_program(name), f"--dbname={place}"]


def _program(name: str) -> str:
    try:
        return client_program(name)
    except EmbeddedPostgresError as error:
        raise CommandFailed(str(error)) from error


def _run(command: list[str]) -> None:
    password = make_url(find_service().settings.required_database_url).password
    given = os.environ | ({"PGPASSWORD": password} if password else {})
    ended = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise CommandFailed(f"{Path(command[0]).name} failed: {ended.stderr.strip()[-2000:]}", ExitCode.FAILED)
