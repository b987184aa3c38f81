"""Where metrics are read: in an api process by its address ``/metrics``, in a worker by a port of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Gauge, start_http_server
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector


def new_registry() -> CollectorRegistry:
    """A registry with what every process tells: its version, processor time, memory, open files."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    Gauge("rushes_build_info", "Which version runs.", ["version"], registry=registry).labels(version("rushes")).set(1)
    return registry


@contextmanager
def served(registry: CollectorRegistry | None, host: str, port: int | None) -> Iterator[int | None]:
    """Serve the metrics over HTTP for as long as the block lasts; nothing where there is no port.

    Gives:
        The port; that which was found where 0 was asked for.

    Raises:
        OSError: The port is taken.
    """
    if registry is None or port is None:
        yield None
        return
    server, thread = start_http_server(port, host, registry)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
