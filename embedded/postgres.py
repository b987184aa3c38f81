"""PostgreSQL from the installed wheel, run as a child of this process.

Nothing on the machine changes: no system user, no socket outside the loopback address, no wider permissions. The
wheel's own helper would do all three, so only its programs are used, never its code.

PostgreSQL refuses to run as root. Root therefore runs it in a user namespace of its own, in which root's files belong
to an ordinary user; that works below a 0700 folder too, where a real other user could not enter.
"""

import asyncio
import signal
import socket
from asyncio.subprocess import Process
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg
from psycopg import sql

from embedded.postgres_data import USER_NAME, PostgresData
from embedded.postgres_programs import MAJOR_VERSION, EmbeddedPostgresError, require_unprivileged, wrapped

__all__ = ["DATABASE_NAME", "MAJOR_VERSION", "EmbeddedPostgres", "EmbeddedPostgresError", "stop_server"]

DATABASE_NAME: Final = "rushes"

_HOST: Final = "127.0.0.1"
_POLL_SECONDS: Final = 0.05
_PORT_ATTEMPTS: Final = 5
_NOT_DURABLE: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class EmbeddedPostgres:
    """One PostgreSQL server whose whole state is in one folder.

    A supervisor calls ``prepare``, runs ``command`` in a session of its own, then awaits ``wait_until_ready`` and
    ``ensure_database``; it stops the process with SIGINT, PostgreSQL's fast shutdown. Tests use ``start`` and ``stop``,
    or ``async with``.

    The server gets SIGINT when the thread that started it ends, so start it from a thread that lives as long as the
    process: the one that runs the event loop.
    """

    def __init__(self, folder: Path, *, durable: bool = True, patience_seconds: float = 15) -> None:
        """Describe the server; nothing is touched yet.

        Args:
            folder: Holds the data, the password and, with ``start``, the log. Made if it is not there.
            durable: False trades safety against power loss for speed, for tests.
            patience_seconds: How long an earlier server on the folder may take to end.
        """
        self.folder = folder.absolute()
        self.log_file = self.folder / "server.log"
        self._data = PostgresData(self.folder, durable=durable)
        self._durable = durable
        self._patience_seconds = patience_seconds
        self._process: Process | None = None
        self._port: int | None = None

    @property
    def data_folder(self) -> Path:
        """Where its data is."""
        return self._data.folder

    # What a supervisor needs

    async def prepare(self) -> None:
        """Make the database cluster if there is none yet, and wait for a server that is still shutting down.

        Safe to call before every start. A server that was killed leaves its pid file behind; it is removed once no
        process of that server is left.

        Raises:
            EmbeddedPostgresError: It can't run here: no user namespaces, another major version's data, another user's
                folder, a server that is still running on it, or a failed ``initdb``.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            await require_unprivileged()
            if self.data_folder.exists():
                self._data.check()
                await self._data.wait_for_leftovers(self._patience_seconds)
            else:
                await self._data.make()
        except OSError as error:
            raise EmbeddedPostgresError(
                f"The embedded database can't use {self.folder}: {error.strerror or error}. Check its owner and free "
                "space, or set RUSHES_HOME to another folder."
            ) from error

    def command(self, port: int) -> list[str]:
        """The server's command line, to be run after ``prepare``; it logs to stderr."""
        settings = [
            f"listen_addresses={_HOST}",
            f"port={port}",
            "unix_socket_directories=",
            *(() if self._durable else _NOT_DURABLE),
        ]
        options = [part for setting in settings for part in ("-c", setting)]
        return wrapped("postgres", "-D", str(self.data_folder), *options, dies_by="INT")

    def url(self, port: int, database: str = DATABASE_NAME) -> str:
        """Address of a database on the server at ``port``, with its password.

        Raises:
            EmbeddedPostgresError: ``prepare`` was never called.
        """
        return f"postgresql://{USER_NAME}:{self._data.password()}@{_HOST}:{port}/{database}"

    async def wait_until_ready(self, port: int, *, timeout_seconds: float = 30) -> None:
        """Return once the server answers a query.

        Raises:
            EmbeddedPostgresError: It did not within ``timeout_seconds``.
        """
        last_failure: Exception | None = None
        try:
            async with asyncio.timeout(timeout_seconds):
                while True:
                    try:
                        async with await psycopg.AsyncConnection.connect(self.url(port, "postgres"), connect_timeout=5):
                            return
                    except psycopg.OperationalError as error:
                        last_failure = error
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise EmbeddedPostgresError(
                f"The embedded PostgreSQL did not answer on port {port} within {timeout_seconds:g} s."
            ) from last_failure

    async def ensure_database(self, port: int, database: str = DATABASE_NAME) -> None:
        """Create the database unless it is there."""
        connection = await psycopg.AsyncConnection.connect(self.url(port, "postgres"), autocommit=True)
        async with connection:
            found = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
            if await found.fetchone() is None:
                try:
                    await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
                except psycopg.errors.DuplicateDatabase:
                    return

    # A server of one's own

    @property
    def port(self) -> int:
        """Port of the server that ``start`` began; it stays the same when it is started again.

        Raises:
            EmbeddedPostgresError: It was never started.
        """
        if self._port is None:
            raise EmbeddedPostgresError("The embedded PostgreSQL was not started.")
        return self._port

    @property
    def pid(self) -> int | None:
        """Process id of the running server, or None."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self, port: int | None = None) -> str:
        """Start the server, wait until it answers, and return the address of its database ``rushes``.

        Args:
            port: Where it listens. Default: the port of the last start, or a free one.

        Raises:
            EmbeddedPostgresError: It can't run here, or ended at once; the message has the end of its log.
        """
        if self.pid is not None:
            raise EmbeddedPostgresError("The embedded PostgreSQL is running already.")
        await self.prepare()
        wanted = port if port is not None else self._port
        for attempts_left in reversed(range(1 if wanted is not None else _PORT_ATTEMPTS)):
            self._port = wanted if wanted is not None else _free_port()
            try:
                await self._launch(self._port)
                break
            except EmbeddedPostgresError as error:
                # Somebody may take a free port between our look and the server's.
                if attempts_left == 0 or "could not bind" not in str(error):
                    raise
        await self.ensure_database(self.port)
        return self.url(self.port)

    async def stop(self, *, grace_seconds: float = 10) -> None:
        """Stop the server that ``start`` began; one that is not running is a success.

        SIGINT ends open connections and writes a checkpoint; after ``grace_seconds`` comes SIGKILL.
        """
        process, self._process = self._process, None
        if process is not None:
            await stop_server(process, grace_seconds=grace_seconds)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # How it is done

    async def _launch(self, port: int) -> None:
        with self.log_file.open("ab") as log:
            log_start = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *self.command(port),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        ready = asyncio.ensure_future(self.wait_until_ready(port))
        ended = asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait({ready, ended}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                ready.cancel()
                raise self._not_started(log_start)  # noqa: TRY301 - it has to stop the server like any other failure
            await ready
        except BaseException:
            await self.stop()
            raise
        finally:
            ready.cancel()
            ended.cancel()
            await asyncio.gather(ready, ended, return_exceptions=True)

    def _not_started(self, log_start: int) -> EmbeddedPostgresError:
        with self.log_file.open("rb") as log:
            log.seek(log_start)
            tail = log.read().decode(errors="replace")[-2000:].strip()
        return EmbeddedPostgresError(f"The embedded PostgreSQL did not start:\n{tail}")


async def stop_server(process: Process, *, grace_seconds: float = 10) -> None:
    """Stop a server by SIGINT, after ``grace_seconds`` by SIGKILL, and wait for its end; also when cancelled."""
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.wait(), grace_seconds)
    except TimeoutError:
        process.kill()
    except BaseException:
        process.kill()
        raise
    finally:
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
