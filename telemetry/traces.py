"""Traces: from a request through its run and activities down to ffmpeg, sent by OTLP where an endpoint is set."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from opentelemetry import trace
from temporalio.client import Plugin


@contextmanager
def traced(endpoint: str | None, service: str) -> Iterator[tuple[Plugin, ...]]:
    """Send spans for as long as the block lasts; nothing is made or sent where there is no endpoint.

    Gives what a Temporal client has to be made with. Once a process, as the tracer is the process's own.

    Args:
        endpoint: Of the collector, as ``OTEL_EXPORTER_OTLP_ENDPOINT`` has it; other such variables hold too.
        service: Name of this kind of process.
    """
    if endpoint is None:
        yield ()
        return
    # The exporter takes a third of a second to import, and most processes have none.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from temporalio.contrib.opentelemetry import OpenTelemetryPlugin, create_tracer_provider  # noqa: PLC0415

    resource = Resource.create({"service.name": service, "service.version": version("rushes")})
    provider = create_tracer_provider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield (OpenTelemetryPlugin(add_temporal_spans=True),)
    finally:
        provider.shutdown()
