"""A span for every request, so that what comes of it has a beginning. Without an endpoint it is nothing."""

import structlog
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SERVER_ERROR = 500

_tracer = trace.get_tracer("rushes.api")


class RequestSpans:
    """Begins a span for each HTTP request; a caller's ``traceparent`` is what it belongs to."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an HTTP request on within its span; anything else untouched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Headers as a mapping would look through all of them for each.
        told = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        caller = propagate.extract(told)
        with _tracer.start_as_current_span(scope["method"], context=caller, kind=SpanKind.SERVER) as span:

            async def send_seen(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= _SERVER_ERROR:
                        span.set_status(Status(StatusCode.ERROR))
                await send(message)

            try:
                await self._app(scope, receive, send_seen)
            finally:
                if (route := getattr(scope.get("route"), "path", None)) is not None:
                    span.update_name(f"{scope['method']} {route}")
                    span.set_attribute("http.route", route)
                video_id = structlog.contextvars.get_contextvars().get("video_id")
                if video_id is not None:
                    span.set_attribute("rushes.video_id", video_id)
