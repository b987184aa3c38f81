"""Which service the commands speak with: the one that the settings name, else the stack that runs on this home."""

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from temporalio.client import Client
from temporalio.service import RPCError

from cli.errors import CommandFailed, ExitCode
from client.asynchronous import AsyncRushes
from embedded.parts import browsable
from embedded.run_file import RunFile
from embedded.temporal import ADDRESS_VARIABLE
from settings import Settings, load_settings
from temporal_client import address_and_namespace, connect


@dataclass(frozen=True)
class Service:
    """The settings, completed by what the running stack says of itself.

    Attributes:
        settings: With the stack's database and addresses where the environment names none.
        stack: The running stack, or None.
    """

    settings: Settings
    stack: RunFile | None

    @property
    def api_url(self) -> str:
        """Where the api is, or would be."""
        return self.settings.api_url or browsable(self.settings.host, self.settings.port)

    @property
    def temporal_place(self) -> tuple[str, str]:
        """Address and namespace of Temporal."""
        if self.stack is None or os.environ.get(ADDRESS_VARIABLE):
            return address_and_namespace()
        return self.stack.temporal, self.stack.namespace

    def api(self) -> AsyncRushes:
        """A client of the api."""
        key = self.settings.api_key
        return AsyncRushes(self.api_url, key=key.get_secret_value() if key is not None else None)

    async def temporal(self) -> Client:
        """A client of Temporal.

        Raises:
            CommandFailed: It does not answer.
        """
        address, namespace = self.temporal_place
        try:
            if self.stack is None or os.environ.get(ADDRESS_VARIABLE):
                return await connect()
            return await Client.connect(address, namespace=namespace)
        except (RuntimeError, RPCError) as error:
            raise CommandFailed(
                f"Temporal does not answer at {address} (namespace {namespace}). Start the stack with `make up`, or "
                "set TEMPORAL_ADDRESS to where Temporal is.",
                ExitCode.UNAVAILABLE,
            ) from error

    def workflow_url(self, workflow_id: str) -> str | None:
        """The workflow's page in Temporal's Web UI, where that is known."""
        base = self.settings.temporal_ui_url
        namespace = self.temporal_place[1]
        return f"{base.rstrip('/')}/namespaces/{namespace}/workflows/{workflow_id}" if base else None


def find_service() -> Service:
    """Read the settings and look for a stack that runs on their home.

    Raises:
        SettingsError: A setting can't be used.
    """
    settings = load_settings()
    return service_of(settings, RunFile.read(settings.home))


def service_of(settings: Settings, stack: RunFile | None) -> Service:
    """The service that the settings and a running stack make up; what the settings name goes first."""
    if stack is None:
        return Service(settings, None)
    known = {
        "api_url": settings.api_url or stack.api,
        "temporal_ui_url": settings.temporal_ui_url or stack.temporal_ui or None,
        "database_url": settings.database_url or SecretStr(stack.database),
        **_folders(settings, stack),
    }
    return Service(settings.model_copy(update=known), stack)


def _folders(settings: Settings, stack: RunFile) -> dict[str, object]:
    """Where the stack's files are, where the settings don't name a place of their own."""
    told = {"uploads": Path(stack.uploads), "scratch": Path(stack.scratch), "storage": stack.storage or None}
    return {name: place for name, place in told.items() if name not in settings.model_fields_set and place}
