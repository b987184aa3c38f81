"""Temporal's dev server: its command line."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.search_attributes import SEARCH_ATTRIBUTES

DYNAMIC_CONFIG: Final = (
    "matching.useNewMatcher=true",  # heeds the priorities of activities
    "matching.enableFairness=true",  # and takes turns between users
    # Order holds within a partition, and one is enough for one machine.
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
    # By default a shard looks for new tasks 20 times a second. The dev server has one shard, so every step of every
    # video waited up to 50 ms for its turn.
    "history.transferProcessorMaxPollRPS=1000",
    "history.transferProcessorMaxPollHostRPS=10000",
    "history.timerProcessorMaxPollRPS=1000",
)
"""The server's dynamic configuration. In that of the containers, ``deploy/temporal/dynamic-config.yaml``, users take
turns as well; a test compares them."""

NO_HTTP_API: Final = 'frontend.httpAllowedHosts=["nobody.invalid"]'
"""A page of any website can have a browser of this machine ask the HTTP API, which knows no origins. Nobody here needs
it, and a page can't choose the name that it asks for."""

_SQLITE_PRAGMAS: Final = ("journal_mode=WAL", "synchronous=NORMAL")
"""No wait for the disk at each event: a kill loses nothing, a power cut may lose the last moments of a history, and
then the steps of these moments are taken again. The rows, which say what was accepted, are PostgreSQL's and do wait."""


@dataclass(frozen=True)
class DevServer:
    """Where the dev server listens, and where its state is.

    Attributes:
        database: File that keeps workflows over restarts.
        namespace: Made at the first start.
        port: Of the front end (gRPC).
        ui_port: Of the Web UI; None for none.
        http_port: Of the front end's HTTP API; internal.
        metrics_port: Of its own metrics; internal.
    """

    database: Path
    namespace: str
    port: int
    ui_port: int | None
    http_port: int
    metrics_port: int

    @property
    def address(self) -> str:
        """``host:port`` of the front end."""
        return f"127.0.0.1:{self.port}"

    @property
    def ui_url(self) -> str:
        """Base URL of the Web UI; empty where there is none."""
        return f"http://127.0.0.1:{self.ui_port}" if self.ui_port is not None else ""

    def command(self, temporal: Path) -> tuple[str, ...]:
        """The command line, with our search attributes registered from the start."""
        listens = {
            "--ip": "127.0.0.1",
            "--port": self.port,
            "--http-port": self.http_port,
            "--metrics-port": self.metrics_port,
            "--namespace": self.namespace,
            "--db-filename": self.database,
            "--log-format": "json",
            "--log-level": "warn",
        }
        ui = ("--headless",) if self.ui_port is None else ("--ui-disable-news-fetch", "--ui-port", str(self.ui_port))
        return (
            *(str(temporal), "server", "start-dev", *ui),
            *(text for pragma in _SQLITE_PRAGMAS for text in ("--sqlite-pragma", pragma)),
            *(text for option, value in listens.items() for text in (option, str(value))),
            *(text for value in (*DYNAMIC_CONFIG, NO_HTTP_API) for text in ("--dynamic-config-value", value)),
            *(text for key in SEARCH_ATTRIBUTES for text in ("--search-attribute", f"{key.name}=Keyword")),
        )
