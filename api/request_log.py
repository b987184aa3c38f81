"""A name for every request, and one log line about it.

Written as plain ASGI: a middleware that wraps the body would stand between an upload and its backpressure.
"""

import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import uuid4

import structlog
from fastapi.routing import APIRoute, APIRouter, iter_route_contexts
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.openapi import documented_codes
from api.problems import PROBLEM_CODE, PROBLEMS, ProblemCode, problem_response, unexpected_problem
from contracts.errors import ErrorCode
from ingest.uploads import SenderGone
from telemetry.requests import RequestMetrics

REQUEST_ID_HEADER: Final = "X-Request-ID"
_ACCEPTABLE_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_QUIET_PATHS: Final = frozenset({"/healthz", "/readyz"})
_SERVER_ERROR: Final = 500
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})
_OTHER_METHOD: Final = "OTHER"
_NO_ROUTE: Final = "none"
"""Labels are few, whatever strangers ask for."""

_OK: Final = 200
_BEFORE_ROUTES: Final = (
    ProblemCode.NOT_FOUND,
    ProblemCode.METHOD_NOT_ALLOWED,
    ProblemCode.FOREIGN_ORIGIN,
    ProblemCode.UNKNOWN_HOST,
    ProblemCode.HTTP_ERROR,
    ErrorCode.INTERNAL,
)
"""What a request may be refused for without any route."""

_logger = structlog.stdlib.get_logger("api.access")


class RequestLog:
    """Binds ``request_id`` to every log line of a request, answers it back, and writes the access line.

    The caller's own ``X-Request-ID`` is kept where it is harmless in a log. What no handler caught is logged with its
    traceback and answered with a problem document of status 500.
    """

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an HTTP request on, with its id; anything else untouched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        scope["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except (SenderGone, ClientDisconnect):
            _logger.debug("client went away")  # there is nobody to answer
        except Exception:
            _logger.exception("unexpected error")
            if status is not None:
                raise  # the answer has begun: only closing the connection can tell that it is incomplete
            response = problem_response(unexpected_problem(), path=scope["path"], request_id=request_id)
            await response(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            _log_access(scope, status, seconds)
            route = getattr(scope.get("route"), "path", _NO_ROUTE)
            method = scope["method"] if scope["method"] in _METHODS else _OTHER_METHOD
            self._metrics.answered(method, route, status or 0, seconds)
            if (code := scope.get(PROBLEM_CODE)) is not None:
                self._metrics.refused(route, code)


def expect_answers(
    routers: Iterable[tuple[APIRouter, Mapping[int | str, Mapping[str, Any]]]], metrics: RequestMetrics
) -> None:
    """What the routers are documented to answer counts from now on, and what is refused before there is a route.

    The routers as they are, not as the application includes them: it builds what it includes at the first request.

    Args:
        routers: Each with the responses that the application adds to those of its routes.
        metrics: Where it is counted.
    """
    for router, added in routers:
        for route in iter_route_contexts(router.routes):
            if isinstance(route.original_route, APIRoute):
                responses = {**added, **route.responses}
                statuses = {route.status_code or _OK, *(int(status) for status in responses)}
                for method in route.methods or ():
                    metrics.expect(method, route.path or _NO_ROUTE, statuses, documented_codes(responses))
    metrics.expect("GET", _NO_ROUTE, (PROBLEMS[code].status for code in _BEFORE_ROUTES), _BEFORE_ROUTES)


def _request_id(headers: Headers) -> str:
    given = headers.get(REQUEST_ID_HEADER, "")
    return given if _ACCEPTABLE_REQUEST_ID.fullmatch(given) else uuid4().hex


def _log_access(scope: Scope, status: int | None, seconds: float) -> None:
    """One line: ``status`` is None where the client had gone before it was answered."""
    quiet = scope["path"] in _QUIET_PATHS and status is not None and status < _SERVER_ERROR
    client = scope.get("client")
    (_logger.debug if quiet else _logger.info)(
        "request",
        method=scope["method"],
        path=scope["path"],
        status=status,
        duration_ms=round(seconds * 1000, 1),
        client=client[0] if client else None,
    )
