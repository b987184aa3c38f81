"""Composition root of the api: ``uvicorn --factory api.main:build``, or ``serve``."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Final

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.services import ApiOptions, Services
from api.uploads import UploadLimits
from database.engine import Database
from logs import configure_logs
from processing.client import Processing
from processing.reconcile import reconcile
from settings import Settings
from storage.local import LocalStorage
from temporal_client import address_and_namespace, connect

GRACE_SECONDS: Final = 5
"""How long a stopping api lets requests finish before it cancels them; an upload then ends as interrupted."""


def build() -> FastAPI:
    """Read the settings and build the application. Neither Temporal nor the database has to be there yet.

    Raises:
        SystemExit: ``DATABASE_URL`` is not set.
    """
    settings = Settings()
    configure_logs(settings.log_format, settings.log_level)
    return create_app(_services_of(settings), _options_of(settings))


def serve(settings: Settings) -> None:
    """Serve on the settings' host and port until SIGINT or SIGTERM."""
    uvicorn.run(
        "api.main:build",
        factory=True,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _options_of(settings: Settings) -> ApiOptions:
    address, namespace = address_and_namespace()
    return ApiOptions(
        version=version("rushes"),
        limits=UploadLimits(
            allowed_extensions=settings.allowed_extensions,
            max_bytes=settings.max_upload_bytes,
            timeout_seconds=settings.upload_timeout_seconds,
        ),
        reconcile_interval_seconds=settings.reconcile_interval_seconds,
        temporal_address=address,
        temporal_namespace=namespace,
        temporal_ui_url=settings.temporal_ui_url,
    )


def _services_of(settings: Settings) -> Callable[[], AbstractAsyncContextManager[Services]]:
    if settings.database_url is None:
        raise SystemExit(
            "The api needs PostgreSQL: set DATABASE_URL=postgresql://user:password@host:port/name, "
            "or run `rushes up`, which brings its own."
        )
    database_url = settings.database_url.get_secret_value()

    @asynccontextmanager
    async def open_services() -> AsyncIterator[Services]:
        database = Database(database_url, settings.database_pool_size)
        storage = LocalStorage(settings.uploads_folder, settings.scratch)
        processing = Processing(await connect(lazy=True))
        try:
            yield Services(
                database=database,
                videos=database.videos,
                storage=storage,
                processing=processing,
                reconcile=partial(reconcile, database.videos, processing, storage),
            )
        finally:
            await database.dispose()

    return open_services
