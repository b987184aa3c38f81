"""The whole service from one command: PostgreSQL, Temporal, api and worker, supervised.

PostgreSQL is run here only where ``DATABASE_URL`` names none, and Temporal unless ``RUSHES_EMBEDDED_TEMPORAL`` is
false.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError

from accounts.door import KeyNeeded, check_door, is_loopback
from contracts.errors import DatabaseUnavailable
from embedded import parts
from embedded.ballast import Ballast
from embedded.child import ChildPlan
from embedded.errors import StackError
from embedded.lock import HomeLock
from embedded.ports import LOOPBACK, Ports, browsable
from embedded.postgres import EmbeddedPostgres, EmbeddedPostgresError
from embedded.run_file import RunFile, remove_run_file
from embedded.signals import to_the_end
from embedded.supervisor import Supervisor
from embedded.telling import told_while
from embedded.temporal import DevServer
from embedded.temporal_environment import ADDRESS_VARIABLE, NAMESPACE_VARIABLE, namespace_of, without_connection
from media.profile import ProfilesInvalid, load_profiles
from settings import Settings
from temporal_client import TemporalUnreachable, address_and_namespace, connect_within, register_search_attributes

_LEFTOVER_SECONDS: Final = 20
_MIGRATE_SECONDS: Final = 120


@dataclass(frozen=True)
class _Backends:
    """Where the database and Temporal are; ``environment`` tells the same to api and worker."""

    database_url: str
    temporal: Client
    temporal_address: str
    temporal_ui: str
    environment: Mapping[str, str]


class Stack:
    """Everything that runs on one ``RUSHES_HOME``; an async context manager that gives what ``run.json`` says.

    Enter it from a thread that lives as long as the process: the children are ended when that thread is.
    """

    def __init__(self, settings: Settings, environment: Mapping[str, str], announce: Callable[[str], None]) -> None:
        """Start nothing yet.

        Args:
            settings: Ports, folders, and the database if there is one already.
            environment: What the children inherit; it also tells how a Temporal of somebody else's is reached.
            announce: Told in a sentence what a person should know.
        """
        self._settings = settings
        self._home = settings.home
        self._environment = dict(environment)
        self._announce = announce
        self._lock = HomeLock(self._home)
        self._ports = Ports()
        self._ballast = Ballast(self._home, settings.ballast_bytes, announce)
        self._keeping_ballast: asyncio.Task[None] | None = None
        self._supervisor: Supervisor | None = None
        self._run: RunFile | None = None

    async def __aenter__(self) -> RunFile:
        """Start everything, in order, and return once it is ready.

        Raises:
            StackError: Something can't start. Nothing is left running.
        """
        try:
            return await self._start()
        except EmbeddedPostgresError as error:
            await to_the_end(self._stop())
            raise StackError(str(error)) from error
        except BaseException:
            await to_the_end(self._stop())
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, in reverse order, in bounded time. A cancellation waits until that is done."""
        await to_the_end(self._stop())

    def kill(self) -> None:
        """End every child at once, for a person who will not wait; leaving the context is still needed."""
        if self._supervisor is not None:
            self._supervisor.kill()

    async def _start(self) -> RunFile:
        self._check_profiles()
        logs = self._make_folders()
        await self._lock.acquire(within_seconds=_LEFTOVER_SECONDS, announce=self._announce)
        remove_run_file(self._home)
        await asyncio.to_thread(self._ballast.look)  # before PostgreSQL, which does not start on a full disk
        await asyncio.to_thread(self._ballast.tell_of_little_room)
        self._keeping_ballast = asyncio.create_task(self._ballast.keep(), name="stack: ballast")
        # Every port is looked at before anything starts, so that a taken one costs a second and leaves nothing.
        api_port = self._ports.take(
            self._settings.port, host=self._settings.host, setting="RUSHES_PORT", purpose="the api"
        )
        dev_server = self._dev_server()
        self._supervisor = Supervisor(
            logs, announce=self._announce, changed=self._children_changed, inherited=(self._lock.descriptor,)
        )
        backends = await self._start_backends(self._supervisor, dev_server)
        environment = dict(backends.environment) | parts.service_environment(
            self._settings, port=api_port, database_url=backends.database_url
        )
        await self._supervisor.run_to_end(parts.migrate_plan(environment), within_seconds=_MIGRATE_SECONDS)
        await self._check_door(backends.database_url)
        api_url = browsable(self._settings.host, api_port)
        await self._supervisor.start(
            parts.api_plan(api_url, environment),
            parts.worker_plan(
                backends.temporal,
                environment,
                parts.worker_grace_seconds(self._settings),
                alone=dev_server is not None,
            ),
        )
        self._run = RunFile(
            api=api_url,
            temporal=backends.temporal_address,
            temporal_ui=backends.temporal_ui,
            database=backends.database_url,
            uploads=str(self._settings.uploads_folder),
            pids={},
            namespace=backends.temporal.namespace,
            scratch=str(parts.scratch_folder(self._settings)),
            storage=self._settings.storage or "",
            profiles=str(self._settings.profiles or ""),
        )
        return self._write_run_file(self._run)

    async def _stop(self) -> None:
        try:
            if self._keeping_ballast is not None:
                self._keeping_ballast.cancel()
                await asyncio.gather(self._keeping_ballast, return_exceptions=True)
            if self._supervisor is not None:
                await self._supervisor.stop()
        finally:
            if self._run is not None:
                remove_run_file(self._home)
            self._run = None
            self._lock.release()

    def _check_profiles(self) -> None:
        """Api and worker read them as well, but neither could say what is wrong before it has ended several times."""
        try:
            load_profiles(self._settings.profiles)
        except ProfilesInvalid as error:
            raise StackError(str(error)) from error

    async def _check_door(self, database_url: str) -> None:
        if is_loopback(self._settings.host):
            return
        from database.engine import Database  # noqa: PLC0415 - half a second, in which most have their stack started

        database = Database(database_url, pool_size=1)
        try:
            await check_door(self._settings.host, database.accounts)
        except (KeyNeeded, DatabaseUnavailable) as error:
            raise StackError(str(error)) from error
        finally:
            await database.dispose()

    def _make_folders(self) -> Path:
        logs = self._home / "logs"
        try:
            logs.mkdir(parents=True, exist_ok=True)
            if not os.access(self._home, os.W_OK | os.X_OK):
                raise PermissionError(0, "this user may not write to it")
            self._home.chmod(0o700)  # originals, logs and Temporal's database are nobody else's to read
        except OSError as error:
            raise StackError(
                f"{self._home} can't hold the stack's state: {error.strerror or error}. Set RUSHES_HOME to a folder "
                "that this user may write to."
            ) from error
        uploads = self._settings.uploads_folder
        try:
            uploads.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StackError(
                f"{uploads} can't hold the uploads: {error.strerror or error}. Set RUSHES_UPLOADS to a folder that "
                "this user may write to."
            ) from error
        return logs

    def _dev_server(self) -> DevServer | None:
        settings = self._settings
        if not settings.embedded_temporal:
            return None
        if address := self._environment.get(ADDRESS_VARIABLE):
            self._announce(
                f"TEMPORAL_ADDRESS ({address}) is not for this stack, which runs a Temporal of its own. To have it use "
                "that one, set RUSHES_EMBEDDED_TEMPORAL=false."
            )
        return DevServer(
            database=self._home / "temporal.db",
            namespace=namespace_of(self._environment),
            port=self._ports.take(
                settings.temporal_port, host=LOOPBACK, setting="RUSHES_TEMPORAL_PORT", purpose="Temporal"
            ),
            ui_port=self._ports.take(
                settings.temporal_ui_port,
                host=LOOPBACK,
                setting="RUSHES_TEMPORAL_UI_PORT",
                purpose="Temporal's Web UI",
            )
            if settings.temporal_ui == "on"
            else None,
            http_port=self._ports.free(purpose="Temporal's HTTP API"),
            metrics_port=self._ports.free(purpose="Temporal's metrics"),
        )

    async def _start_backends(self, supervisor: Supervisor, dev_server: DevServer | None) -> _Backends:
        """Start those that are ours and reach those that are not, and register the search attributes."""
        plans: list[ChildPlan] = []
        given = self._settings.database_url
        if given is None:
            postgres = EmbeddedPostgres(self._home / "postgres")
            async with told_while(self._announce, lambda since: f"Waiting for the data of PostgreSQL, {since}."):
                await postgres.prepare()
            port = self._ports.free(purpose="PostgreSQL")
            plans.append(parts.postgres_plan(postgres, port))
            database_url = postgres.url(port)
        else:
            database_url = given.get_secret_value()
        if dev_server is not None:
            plans.append(parts.temporal_plan(dev_server, without_connection(self._environment)))
        await supervisor.start(*plans)
        if dev_server is not None:
            return await self._own_temporal(database_url, dev_server)
        return await self._given_temporal(database_url)

    async def _own_temporal(self, database_url: str, server: DevServer) -> _Backends:
        environment = without_connection(self._environment) | {
            ADDRESS_VARIABLE: server.address,
            NAMESPACE_VARIABLE: server.namespace,
            "RUSHES_TEMPORAL_UI_URL": server.ui_url,
        }
        client = await Client.connect(server.address, namespace=server.namespace)
        return _Backends(database_url, client, server.address, server.ui_url, environment)

    async def _given_temporal(self, database_url: str) -> _Backends:
        try:
            client = await connect_within(self._settings.connect_timeout_seconds, waiting=self._announce)
        except TemporalUnreachable as error:
            raise StackError(str(error)) from error
        try:
            await register_search_attributes(client)
        except RPCError as error:
            self._announce(
                f"Temporal does not let us register the search attributes ({error.message}). Unless they are there "
                "already, videos can't be processed; `rushes doctor` names them."
            )
        ui_url = self._settings.temporal_ui_url or ""
        return _Backends(database_url, client, address_and_namespace()[0], ui_url, self._environment)

    def _children_changed(self) -> None:
        """Tell the tools which processes there are now; nothing before everything is ready."""
        if self._run is not None:
            try:
                self._write_run_file(self._run)
            except OSError as error:
                self._announce(f"run.json in {self._home} can't be written: {error.strerror or error}.")

    def _write_run_file(self, run: RunFile) -> RunFile:
        pids = {"stack": os.getpid(), **(self._supervisor.pids if self._supervisor is not None else {})}
        self._run = replace(run, pids=pids)
        self._run.write(self._home)
        return self._run
