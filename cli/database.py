"""``rushes database``: a dump of the rows, and the way back, by PostgreSQL's own programs."""

import os
import subprocess
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy.engine import URL, make_url

from cli.console import output, size_text
from cli.errors import CommandFailed, ExitCode
from cli.where import find_service
from embedded.postgres_programs import EmbeddedPostgresError, client_program

_FILE: Final = "In PostgreSQL's custom format, as pg_dump and pg_restore know it."


def dump(file: Annotated[Path, typer.Argument(metavar="FILE", help=_FILE)]) -> None:
    """Write all rows to a file while everything runs, as they were at one moment.

    Copy the stored files after it, not before: a file without a row is missed by nobody, a row without its file is.
    """
    part = file.with_name(f"{file.name}.part")
    try:
        _run("pg_dump", "--format=custom", "--no-owner", f"--file={part}")
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    output().print(f"{file}: {size_text(file.stat().st_size)}. Now copy the stored files.", soft_wrap=True)


def restore(file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, help=_FILE)]) -> None:
    """Put the rows of a dump in place of those that are there; all or nothing.

    Then run `rushes migrate`, which brings an older dump to this version, and `rushes verify`.
    """
    _run("pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", str(file))
    output().print("Restored. Now run `rushes migrate`, and then `rushes verify`.")


def _run(name: str, *arguments: str) -> None:
    url = make_url(find_service().settings.required_database_url)
    place = URL.create(
        "postgresql", url.username, host=url.host, port=url.port, database=url.database, query=url.query
    ).render_as_string()
    environment = {"PATH": os.environ.get("PATH", ""), "PGPASSWORD": url.password or ""}  # not where ps shows it
    try:
        command = [client_program(name), f"--dbname={place}", *arguments]
    except EmbeddedPostgresError as error:
        raise CommandFailed(str(error)) from error
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise CommandFailed(f"{name} failed: {ended.stderr.strip()[-2000:]}", ExitCode.FAILED)
