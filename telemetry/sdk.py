"""What Temporal's SDK measures of itself, beside what we measure."""

import socket
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

_TRIES: Final = 5
_ANSWER_SECONDS: Final = 2.0


class SdkMetrics(Collector):
    """Reads the SDK's own exporter, which is on loopback, at each scrape; nothing where it does not answer."""

    def __init__(self, address: str) -> None:
        self._url = f"http://{address}/metrics"

    def collect(self) -> Iterator[Metric]:
        """Each metric, as the SDK has it."""
        try:
            with urllib.request.urlopen(self._url, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310 # our own loopback
                text = answer.read().decode()
        except OSError:
            return
        yield from text_string_to_metric_families(text)

    def describe(self) -> list[Metric]:
        """None beforehand, so that registering it asks nothing."""
        return []


def measured_runtime(registry: CollectorRegistry | None, *, worker_heartbeat: timedelta) -> Runtime:
    """A runtime for clients and workers, whose metrics are in the registry where there is one.

    Raises:
        RuntimeError: No free port was found.
    """
    if registry is None:
        return Runtime(telemetry=TelemetryConfig(), worker_heartbeat_interval=worker_heartbeat)
    for last_try in (*(False,) * (_TRIES - 1), True):
        with socket.create_server(("127.0.0.1", 0)) as found:
            address = f"127.0.0.1:{found.getsockname()[1]}"
        exporter = PrometheusConfig(
            bind_address=address, durations_as_seconds=True, unit_suffix=True, counters_total_suffix=True
        )
        try:
            telemetry = TelemetryConfig(metrics=exporter)
            runtime = Runtime(telemetry=telemetry, worker_heartbeat_interval=worker_heartbeat)
        except ValueError:  # somebody else has taken the port meanwhile
            if last_try:
                raise
            continue
        registry.register(SdkMetrics(address))
        return runtime
    raise RuntimeError("unreachable")
