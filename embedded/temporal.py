"""Temporal's dev server: its command line."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.temporal_names import SEARCH_ATTRIBUTES

NAMESPACE_VARIABLE: Final = "TEMPORAL_NAMESPACE"
ADDRESS_VARIABLE: Final = "TEMPORAL_ADDRESS"
_DEFAULT_NAMESPACE: Final = "default"


@dataclass(frozen=True)
class DevServer:
    """Where the dev server listens, and where its state is.

    Attributes:
        database: File that keeps workflows over restarts.
        namespace: Made at the first start.
        port: Of the front end (gRPC).
        ui_port: Of the Web UI.
        http_port: Of the front end's HTTP API; internal.
        metrics_port: Of its own metrics; internal.
    """

    database: Path
    namespace: str
    port: int
    ui_port: int
    http_port: int
    metrics_port: int

    @property
    def address(self) -> str:
        """``host:port`` of the front end."""
        return f"127.0.0.1:{self.port}"

    @property
    def ui_url(self) -> str:
        """Base URL of the Web UI."""
        return f"http://127.0.0.1:{self.ui_port}"

    def command(self, temporal: Path) -> tuple[str, ...]:
        """The command line, with our search attributes registered from the start."""
        listens = {
            "--ip": "127.0.0.1",
            "--port": self.port,
            "--ui-port": self.ui_port,
            "--http-port": self.http_port,
            "--metrics-port": self.metrics_port,
            "--namespace": self.namespace,
            "--db-filename": self.database,
            "--log-format": "json",
            "--log-level": "warn",
        }
        return (
            str(temporal),
            *("server", "start-dev", "--ui-disable-news-fetch"),
            *(text for option, value in listens.items() for text in (option, str(value))),
            *(text for key in SEARCH_ATTRIBUTES for text in ("--search-attribute", f"{key.name}=Keyword")),
        )


def without_connection(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without Temporal's own settings: nothing meant for another server may reach the dev server."""
    kept = {name: value for name, value in environment.items() if not name.startswith("TEMPORAL_")}
    return kept | {"TEMPORAL_CONFIG_FILE": os.devnull}


def namespace_of(environment: Mapping[str, str]) -> str:
    """The namespace asked for, or Temporal's default one."""
    return environment.get(NAMESPACE_VARIABLE) or _DEFAULT_NAMESPACE
