"""Which service the commands speak with: the one that the settings name, else the stack that runs on this home."""

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from client.asynchronous import AsyncRushes
from embedded.ports import browsable
from embedded.run_file import RunFile
from embedded.temporal_environment import ADDRESS_VARIABLE
from settings import Settings, load_settings


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
        if self.own_temporal is not None:
            return self.own_temporal.temporal, self.own_temporal.namespace
        # What reads Temporal's own settings is a part of its SDK, which a command that asks the api has no use for.
        from temporal_client import address_and_namespace  # noqa: PLC0415

        return address_and_namespace()

    @property
    def own_temporal(self) -> RunFile | None:
        """The running stack, unless the environment names another Temporal than the stack's."""
        return None if os.environ.get(ADDRESS_VARIABLE) else self.stack

    def api(self) -> AsyncRushes:
        """A client of the api."""
        key = self.settings.api_key
        return AsyncRushes(self.api_url, key=key.get_secret_value() if key is not None else None)

    def workflow_url(self, workflow_id: str) -> str | None:
        """The workflow's page in Temporal's Web UI, where that is known."""
        base = self.settings.temporal_ui_url
        if not base:
            return None
        return f"{base.rstrip('/')}/namespaces/{self.temporal_place[1]}/workflows/{workflow_id}"


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
