"""The api as an ASGI application, given what it works with."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from fastapi import APIRouter, Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi_offline import FastAPIOffline
from prometheus_client import CollectorRegistry

from api.authentication import OF_CALLERS
from api.known_queries import only_known_parameters
from api.lingering import LingeringClose
from api.odd_requests import OddRequests
from api.openapi import openapi_of
from api.options import ApiOptions
from api.other_websites import OtherWebsites
from api.problems import install_problem_handlers
from api.reconciling import reconciling, sweeping, tidying
from api.request_log import RequestLog, expect_answers
from api.routers import (
    changing,
    cohorts,
    direct,
    doors,
    events,
    files,
    health,
    imports,
    metrics,
    originals,
    page,
    reprocessing,
    session,
    sharing,
    system,
    tus,
    uploads,
    videos,
    webhooks,
)
from api.security_headers import SecurityHeaders
from api.services import ApiState, Services, api_state
from api.tracing import RequestSpans
from api.tus_headers import TusVersion
from telemetry.exposition import new_registry
from telemetry.requests import RequestMetrics, RoundMetrics

_SETTLE_SECONDS: Final = 10.0
"""How long a stopping api waits for uploads that are being finished or tidied up."""

_CORS_METHODS: Final = ("GET", "HEAD", "POST", "PATCH", "DELETE")
_CORS_EXPOSED: Final = (
    *("Location", "Retry-After", "X-Request-ID", "Idempotency-Replayed"),
    *("Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size"),
    *("Upload-Offset", "Upload-Length", "Upload-Expires"),
)

_DESCRIPTION: Final = """
Takes an uploaded video and makes it ready to play: one Temporal workflow per video.

A caller has a key, made by `rushes keys create`, and sees its own videos. While there is no key, the service serves the
machine that it runs on, and nobody else.

Errors are RFC 9457 problem documents with a stable `code`. Every answer has an `X-Request-ID`, the caller's own where
one was sent, and the logs have it too.
"""

_TAGS: Final = [
    {"name": "videos", "description": "Upload, import, look, cancel, retry, delete."},
    {"name": "uploads", "description": "Uploads over several requests, as tus 1.0 has them."},
    {"name": "events", "description": "What happens, as it happens."},
    {"name": "webhooks", "description": "What happens, sent to where you say."},
    {"name": "files", "description": "What is published, with byte ranges."},
    {"name": "accounts", "description": "Who asks."},
    {"name": "system", "description": "How the service stands."},
    {"name": "health", "description": "For whoever supervises the process."},
]


def create_app(
    open_services: Callable[[], AbstractAsyncContextManager[Services]],
    options: ApiOptions,
    registry: CollectorRegistry | None = None,
) -> FastAPI:
    """Build the application.

    Args:
        open_services: Opened when the application starts, closed when it stops, in the server's event loop.
        options: Settings, as values.
        registry: Where what is measured can be read. Default: one of its own.
    """
    measured = registry if registry is not None else new_registry()
    rounds = RoundMetrics(measured)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[ApiState]:
        async with open_services() as services:
            state = api_state(services, options, measured)
            async with (
                reconciling(services.reconcile, options.reconcile_interval_seconds, rounds),
                sweeping(services.sweep, options.sweep_interval_seconds, rounds),
                tidying(services.tidy, rounds),
                state["dispatch"].running(),
                state["hub"].running(),
            ):
                yield state
                await state["uploads"].settle(_SETTLE_SECONDS)
                await state["resumable"].settle(_SETTLE_SECONDS)

    app = FastAPIOffline(
        title="Rushes",
        version=options.version,
        summary="Video in, video out, durably.",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.add_middleware(TusVersion)
    if options.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=options.cors_origins,
            allow_methods=_CORS_METHODS,
            allow_headers=["*"],
            expose_headers=_CORS_EXPOSED,
        )
    app.add_middleware(OtherWebsites, hosts=options.allowed_hosts, origins=options.cors_origins)
    app.add_middleware(LingeringClose)
    app.add_middleware(RequestSpans)
    app.add_middleware(OddRequests)
    app.add_middleware(SecurityHeaders)
    requests = RequestMetrics(measured)
    app.add_middleware(RequestLog, metrics=requests)
    install_problem_handlers(app, page.nothing_here)
    of_callers = (
        uploads,
        tus,
        direct,
        imports,
        videos,
        changing,
        reprocessing,
        cohorts,
        originals,
        events,
        webhooks,
        sharing,
        system,
        session,
    )
    of_anybody = (page, files, health, metrics)
    routers: list[tuple[APIRouter, dict[int | str, dict[str, Any]]]] = [
        (doors.router, {}),
        *((room.router, OF_CALLERS) for room in of_callers),
        *((room.router, {}) for room in of_anybody),
    ]
    # Players, clients of tus and who ends a session without one may add to a query what they like.
    lenient = (doors.router, tus.router, originals.router, session.router, *(room.router for room in of_anybody))
    for router, responses in routers:
        looking = [] if router in lenient else [Depends(only_known_parameters)]
        app.include_router(router, responses=responses, dependencies=looking)
    expect_answers(routers, requests)
    app.openapi = openapi_of(app)  # type: ignore[method-assign] # the way that FastAPI documents
    return app
