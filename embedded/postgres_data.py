"""The folder of a PostgreSQL cluster: made, found fit to be used, and left by the server that was on it before."""

import asyncio
import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import Final

from embedded.postgres_programs import MAJOR_VERSION, EmbeddedPostgresError, run, servers_in, wrapped

USER_NAME: Final = "rushes"

_POLL_SECONDS: Final = 0.05


class PostgresData:
    """The data and the password of one cluster.

    Attributes:
        folder: Of the data; what a server is started on.
    """

    def __init__(self, home: Path, *, durable: bool) -> None:
        """Describe the cluster; nothing is touched yet.

        Args:
            home: Holds the data and the password.
            durable: False leaves it to the system when a new cluster gets to the disk.
        """
        self.folder = home / "data"
        self._home = home
        self._password_file = home / "password"
        self._durable = durable

    def password(self) -> str:
        """The password of ``USER_NAME``.

        Raises:
            EmbeddedPostgresError: There is none, as the cluster was never made.
        """
        try:
            return self._password_file.read_text().strip()
        except OSError as error:
            raise EmbeddedPostgresError(f"The password file {self._password_file} can't be read.") from error

    def check(self) -> None:
        """Return if a server can be started on the data.

        Raises:
            EmbeddedPostgresError: It is another user's, another major version's, or without its password.
        """
        owner = self.folder.stat().st_uid
        if owner != os.geteuid():
            raise EmbeddedPostgresError(
                f"{self.folder} belongs to user id {owner}, and this is user id {os.geteuid()}. Run as its owner, "
                "or set RUSHES_HOME to a folder of your own."
            )
        version_file = self.folder / "PG_VERSION"
        version = version_file.read_text().strip() if version_file.exists() else "an unknown version"
        if version != MAJOR_VERSION:
            raise EmbeddedPostgresError(
                f"{self.folder} was made by PostgreSQL {version}, and this is {MAJOR_VERSION}, which can't read "
                "it. Dump it with pg_dump of that version and load it here, or move the folder away to begin anew."
            )
        if not self._password_file.exists():
            raise EmbeddedPostgresError(
                f"{self._password_file} is missing, and nobody can log in without it. Put it back, or move "
                f"{self._home} away to begin anew."
            )
        # PostgreSQL refuses a folder that others may read, which a copy or a volume easily makes of it.
        self.folder.chmod(0o700)

    async def make(self) -> None:
        """Make the cluster; half of one is never found.

        Raises:
            EmbeddedPostgresError: ``initdb`` failed.
        """
        half_made = self._home / "data.part"
        await asyncio.to_thread(shutil.rmtree, half_made, ignore_errors=True)
        _write_secret(self._password_file, secrets.token_urlsafe(24))
        options = [
            *("-D", str(half_made), "-U", USER_NAME, f"--pwfile={self._password_file}", "--auth=scram-sha-256"),
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--no-instructions", *(() if self._durable else ("--no-sync",))),
        ]
        code, output = await run(wrapped("initdb", *options, dies_by="KILL"))
        if code != 0:
            raise EmbeddedPostgresError(f"Making the embedded database in {self._home} failed:\n{output[-2000:]}")
        half_made.rename(self.folder)

    async def wait_for_leftovers(self, patience_seconds: float) -> None:
        """Wait for the processes of an earlier server; without any, its pid file means nothing.

        PostgreSQL itself only asks whether a process with that id is alive, and after a restart of a machine or
        container that is easily somebody else.

        Raises:
            EmbeddedPostgresError: Some are still there after so long.
        """
        if sys.platform != "linux":
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience_seconds
        while leftovers := await asyncio.to_thread(servers_in, self.folder):
            if loop.time() > deadline:
                raise EmbeddedPostgresError(
                    f"A PostgreSQL server is running on {self.folder} (process {min(leftovers)}). Stop what "
                    "started it, or set RUSHES_HOME to another folder."
                )
            await asyncio.sleep(_POLL_SECONDS)
        (self.folder / "postmaster.pid").unlink(missing_ok=True)


def _write_secret(path: Path, secret: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
