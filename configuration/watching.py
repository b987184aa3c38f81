"""What can be seen of a process, and what tests do to it."""

from typing import Literal

from pydantic import Field

from configuration.group import SettingsGroup


class WatchingSettings(SettingsGroup):
    """Logs, traces, and places to die at."""

    # Logs
    log_format: Literal["json", "console"] = Field(default="json", description="How a log line is written.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged; what the logger `audit` says always is."
    )

    # Traces
    traces_endpoint: str | None = Field(
        default=None,
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="Where traces are sent, by OTLP over HTTP, such as `http://127.0.0.1:4318`; OpenTelemetry's "
        "other variables (`OTEL_…`) hold as well. Default: nowhere.",
    )

    # Tests of this service
    failpoints: str | None = Field(
        default=None,
        description="Where api and worker kill themselves, as `name[:count][,name…]`, or `@` and a file that says so "
        "once; for tests of what that leaves behind. The names are in `tests/failpoints/scenarios.py`.",
    )
