"""Composition root of the api: the factory that uvicorn is given.

Run uvicorn with a ``timeout_graceful_shutdown``: an upload that is not through by then ends as interrupted.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import Final

import structlog
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from temporalio.client import Client
from temporalio.service import RPCError

from api.app import create_app
from api.options import ApiOptions, EventOptions
from api.remote_file import RemoteServing
from api.services import Services
from contracts.errors import DatabaseUnavailable, StorageFailed
from contracts.processing import DEFAULT_PROFILE
from database.engine import Database
from database.leadership import Leadership
from database.notifications import listen
from database.videos import Videos
from events.tidy import TidyReport, tidy
from failpoints import Failpoints
from fetching.addresses import AddressRules
from ingest.importing import ImportLimits
from ingest.rules import ResumableLimits, UploadLimits
from logs import configure_logs
from media.profile import Profiles, ProfilesInvalid, load_profiles
from runs.client import TemporalRuns
from runs.cohorts import TemporalCohortRuns
from runs.neighbours import AnotherStorage, refuse_another_storage
from runs.ownership import Ownership
from runs.reconcile import Reconciler, ReconcileReport
from runs.sweep import Sweeper, SweepReport
from runs.webhooks import TemporalWebhookRuns
from runs.whereabouts import look_for_files
from runs.workers import WORKER_HEARTBEAT
from settings import Settings, SettingsError, load_settings
from storage.clock import clock_complaint
from storage.identity import storage_identity
from storage.location import StoragePlace
from storage.opening import open_storage
from storage.protocol import Storage
from storage.waiting import checked
from telemetry.exposition import new_registry
from telemetry.sdk import measured_runtime
from telemetry.traces import traced
from telemetry.videos import ENDED_BY_APIS, VideoMetrics, counted
from temporal_client import address_and_namespace, connect

_logger = structlog.stdlib.get_logger(__name__)

_LEASES_OF_A_FORM: Final = 3
"""An upload that can't go on elsewhere is not to be ended because the database was away for some seconds."""


def build() -> FastAPI:
    """Read the settings and build the application. Neither Temporal nor the database has to be there yet.

    Raises:
        SystemExit: A setting or the file of profiles is missing or can't be used; the message says which.
    """
    try:
        settings = load_settings()
        database_url = settings.required_database_url
        profiles = load_profiles(settings.profiles)
    except (SettingsError, ProfilesInvalid) as error:
        raise SystemExit(str(error)) from error
    configure_logs(settings.log_format, settings.log_level)
    registry = new_registry()
    return create_app(_services_of(settings, database_url, registry), _options_of(settings, profiles), registry)


def _options_of(settings: Settings, profiles: Profiles) -> ApiOptions:
    address, namespace = address_and_namespace()
    return ApiOptions(
        version=version("rushes"),
        limits=UploadLimits(
            allowed_extensions=settings.allowed_extensions,
            max_bytes=settings.max_upload_bytes,
            timeout_seconds=settings.upload_timeout_seconds,
            lease_seconds=_LEASES_OF_A_FORM * settings.upload_lease_seconds,
            most_open=settings.max_open_uploads,
            most_open_of_one=settings.max_open_uploads_of_one,
            profiles={name: profile.description for name, profile in profiles.items()},
            default_profile=DEFAULT_PROFILE,
        ),
        imports=ImportLimits(
            enabled=settings.import_enabled, addresses=AddressRules(settings.import_allowed_addresses)
        ),
        resumable=ResumableLimits(
            max_bytes=settings.max_resumable_bytes,
            lease_seconds=settings.upload_lease_seconds,
            expires_seconds=settings.resumable_expires_seconds,
            spare_bytes=settings.spare_bytes,
            reserved_seconds=settings.upload_reserved_seconds,
        ),
        reconcile_interval_seconds=settings.reconcile_interval_seconds,
        sweep_interval_seconds=settings.sweep_interval_seconds,
        temporal_address=address,
        temporal_namespace=namespace,
        temporal_ui_url=settings.temporal_ui_url,
        allowed_hosts=settings.allowed_hosts,
        cors_origins=settings.cors_origins,
        remote_serving=RemoteServing(settings.published, settings.published_seconds),
        events=EventOptions(
            heartbeat_seconds=settings.event_heartbeat_seconds,
            most_listeners=settings.max_listeners,
            most_of_one=settings.max_listeners_of_one,
            most_changes_a_second=settings.max_changes_a_second,
            addresses=AddressRules(settings.webhook_allowed_addresses, "RUSHES_WEBHOOK_ALLOWED_ADDRESSES"),
        ),
    )


def _services_of(
    settings: Settings, database_url: str, registry: CollectorRegistry
) -> Callable[[], AbstractAsyncContextManager[Services]]:
    @asynccontextmanager
    async def open_services() -> AsyncIterator[Services]:
        async with AsyncExitStack() as resources:
            points = Failpoints(settings.failpoints)
            rows = counted(Database(database_url, settings.database_pool_size), VideoMetrics(registry, ENDED_BY_APIS))
            database = points.around("database", rows)
            resources.push_async_callback(database.dispose)
            storage = await resources.enter_async_context(open_storage(settings.place, points.around))
            runtime = measured_runtime(registry, worker_heartbeat=WORKER_HEARTBEAT)
            plugins = resources.enter_context(traced(settings.traces_endpoint, "rushes-api"))
            client = await connect(lazy=True, runtime=runtime, plugins=plugins)
            telling = asyncio.create_task(
                _tell_of(storage, settings.place, client, database.videos), name="storage: tell"
            )
            resources.push_async_callback(_ended, telling)
            runs = points.around("runs", TemporalRuns(client))
            leadership = await resources.enter_async_context(Leadership(database_url))
            ownership = Ownership(database.places, storage)
            reconciler = Reconciler(database, runs, storage)

            async def leads_with_its_files() -> bool:
                return await leadership.leads() and await ownership.is_ours()

            async def reconcile() -> ReconcileReport | None:
                return await reconciler.run() if await leads_with_its_files() else None

            async def known_since() -> datetime:
                return await database.places.known_since(await storage_identity(storage))

            age = timedelta(seconds=settings.sweep_age_seconds)
            sweeper = Sweeper(database.editions, database.backlog, storage, age, known_since)

            async def sweep() -> SweepReport | None:
                return await sweeper.run() if await leads_with_its_files() else None

            async def tidy_events() -> TidyReport | None:
                keep = timedelta(seconds=settings.event_retention_seconds)
                return await tidy(database.events, keep) if await leadership.leads() else None

            yield Services.over(
                database,
                webhook_runs=TemporalWebhookRuns(client),
                cohort_runs=TemporalCohortRuns(client),
                listening=partial(listen, database_url),
                storage=storage,
                runs=runs,
                reconcile=reconcile,
                sweep=sweep,
                tidy=tidy_events,
                check_owner=ownership.check,
            )

    return open_services


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _tell_of(storage: Storage, place: StoragePlace, client: Client, videos: Videos) -> None:
    """Say at the start what is wrong with where the files go; it may pass, so that the api starts all the same.

    Workers that have their files elsewhere are named. An api does not refuse for that: its scratch may be its own.
    """
    where = str(place)
    try:
        await checked(storage, where, lambda sentence: _logger.warning("api waits", reason=sentence))
        if place.bucket is not None and (clocks := await clock_complaint(storage)) is not None:
            _logger.warning("clocks differ", reason=clocks)
    except StorageFailed as error:
        _logger.warning("storage refuses", reason=str(error))
        return
    try:
        await refuse_another_storage(client, await storage_identity(storage), where)
    except AnotherStorage as error:
        _logger.warning("storage differs", reason=str(error))
    except (RPCError, RuntimeError):  # Temporal is away, which others tell of
        pass
    with suppress(DatabaseUnavailable, StorageFailed):
        if (await look_for_files(videos, storage)).are_elsewhere:
            _logger.warning("files are elsewhere", reason=f"None of the newest videos has its files in {where}.")
