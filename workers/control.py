"""The workers of rows, files and webhooks: ``video-control`` and ``webhooks``. They are served together."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import structlog
from prometheus_client import CollectorRegistry
from temporalio.client import Client
from temporalio.common import VersioningBehavior
from temporalio.worker import Worker

from activities.arriving_original import FetchRules
from activities.claim_video import ClaimVideoActivities
from activities.clean_scratch import CleanScratchActivities
from activities.count_minutes import CountMinutesActivities
from activities.error_types import ErrorTypeInterceptor
from activities.fetch_original import FetchOriginalActivities
from activities.mark_error import MarkErrorActivities
from activities.mark_ready import MarkReadyActivities
from activities.publish_files import PublishFilesActivities
from activities.remove_video import RemoveVideoActivities
from activities.reprocess_video import ReprocessVideoActivities
from activities.reprocess_videos import ReprocessVideosActivities
from activities.retry_videos import RetryVideosActivities
from activities.send_webhook import SendWebhookActivities
from activities.stop_run import StopRunActivities
from contracts.errors import DatabaseUnavailable
from contracts.temporal_names import CONTROL_QUEUE
from contracts.webhooks import WEBHOOK_QUEUE
from database.engine import Database
from failpoints import Failpoints
from fetching.addresses import AddressRules
from fetching.posting import Poster
from fetching.source import Patience, Sources
from runs.actions import VideoActions
from runs.client import TemporalRuns
from settings import Settings
from telemetry.videos import VideoMetrics, counted
from workers.place import HEARTBEAT_THROTTLE, Place, deployment_of, identity_of
from workflows.video_cohort import VideoCohortWorkflow
from workflows.video_deletion import VideoDeletionWorkflow
from workflows.video_processing import VideoProcessingWorkflow
from workflows.webhook_delivery import WebhookDeliveryWorkflow

log = structlog.stdlib.get_logger("worker")

_WEBHOOKS_AT_ONCE: Final = 50
_DATABASE_PAUSE_SECONDS: Final = 0.5
_TELL_SECONDS: Final = 5.0


@asynccontextmanager
async def control_workers(
    client: Client, settings: Settings, place: Place, points: Failpoints, registry: CollectorRegistry | None
) -> AsyncIterator[list[Worker]]:
    """The workers of both queues, yet to be started; their database is closed at the end.

    Args:
        client: Of Temporal.
        settings: Of this process.
        place: What its workers stand in.
        points: Where it is to die.
        registry: Where what they count is read; None for nowhere.

    Raises:
        SettingsError: ``DATABASE_URL`` is not set.
        DatabaseUnavailable: PostgreSQL did not answer in time.
    """
    rows = Database(settings.required_database_url, settings.database_pool_size)
    database = points.around("database", rows if registry is None else counted(rows, VideoMetrics(registry)))
    try:
        await _wait_for(database, settings.connect_timeout_seconds)
        runs = points.around("runs", TemporalRuns(client))
        yield [
            control_worker(client, settings, place, database, runs),
            webhook_worker(client, settings, place, database),
        ]
    finally:
        await database.dispose()


def control_worker(client: Client, settings: Settings, place: Place, database: Database, runs: TemporalRuns) -> Worker:
    """The worker of ``video-control``: workflows and light I/O."""
    publish = PublishFilesActivities(place.storage, database.videos)
    reprocess = ReprocessVideoActivities(place.storage, database.reprocessings, former_files_kept(settings))
    remove = RemoveVideoActivities(place.storage, database.deletions)
    actions = VideoActions(database.videos, database.deletions, database.reprocessings, place.storage, runs)
    sources = Sources(
        AddressRules(settings.import_allowed_addresses),
        Patience(stall_seconds=settings.import_stall_seconds, whole_seconds=settings.import_timeout_seconds),
    )
    fetch_rules = FetchRules(
        settings.max_import_bytes,
        settings.import_slots,
        settings.spare_bytes,
        rested_left_seconds=max(0, settings.resumable_expires_seconds - settings.upload_reserved_seconds),
    )
    fetch = FetchOriginalActivities(database.videos, database.upload_leases, place.storage, sources, fetch_rules)
    return Worker(
        client,
        task_queue=CONTROL_QUEUE,
        workflows=[VideoProcessingWorkflow, VideoDeletionWorkflow, VideoCohortWorkflow],
        activities=[
            ClaimVideoActivities(database.videos).claim_video,
            CountMinutesActivities(database.videos).count_minutes,
            fetch.fetch_original,
            publish.publish_files,
            publish.withdraw_files,
            MarkReadyActivities(database.videos).mark_ready,
            MarkErrorActivities(database.videos).mark_error,
            reprocess.claim_reprocessing,
            reprocess.publish_edition,
            reprocess.mark_reprocessed,
            reprocess.fail_reprocessing,
            reprocess.withdraw_edition,
            CleanScratchActivities(place.storage).clean_scratch,
            StopRunActivities(database.deletions, runs).stop_run,
            remove.remove_files,
            remove.remove_row,
            RetryVideosActivities(database.cohorts, actions).retry_videos,
            ReprocessVideosActivities(database.cohorts, actions).reprocess_videos,
        ],
        identity=identity_of(CONTROL_QUEUE, settings, place),
        interceptors=[*place.watching, ErrorTypeInterceptor(count_unforeseen=False)],
        deployment_config=deployment_of(settings),
        max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        default_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        graceful_shutdown_timeout=timedelta(seconds=settings.worker_grace_seconds),
    )


def webhook_worker(client: Client, settings: Settings, place: Place, database: Database) -> Worker:
    """The worker of ``webhooks``, by itself: receivers that are slow take no slots of anything else.

    A delivery may take three days, so it goes over to the current version rather than keep the workers of an old one.
    """
    rules = AddressRules(settings.webhook_allowed_addresses, "RUSHES_WEBHOOK_ALLOWED_ADDRESSES")
    send = SendWebhookActivities(database.webhooks, Poster(rules, settings.webhook_timeout_seconds))
    return Worker(
        client,
        task_queue=WEBHOOK_QUEUE,
        workflows=[WebhookDeliveryWorkflow],
        activities=[send.send_webhook, send.give_up_webhook],
        identity=identity_of(WEBHOOK_QUEUE, settings, place),
        interceptors=[*place.watching, ErrorTypeInterceptor(count_unforeseen=False)],
        deployment_config=deployment_of(settings, VersioningBehavior.AUTO_UPGRADE),
        max_concurrent_activities=_WEBHOOKS_AT_ONCE,
        graceful_shutdown_timeout=timedelta(seconds=settings.worker_grace_seconds),
    )


def former_files_kept(settings: Settings) -> timedelta:
    """How long the files stay that a video had before it was made anew: as long as signed addresses hold, at least."""
    signed_seconds = settings.published_seconds if settings.place.bucket is not None else 0
    return timedelta(seconds=max(settings.former_files_seconds, signed_seconds))


async def _wait_for(database: Database, seconds: float) -> None:
    """Ask until PostgreSQL answers, with the tables of this version, and say every few seconds why it is asked again.

    Raises:
        DatabaseUnavailable: The last one, when ``seconds`` have passed.
    """
    deadline, told_at = time.monotonic() + seconds, -_TELL_SECONDS
    while True:
        try:
            return await database.ping(max(1.0, deadline - time.monotonic()))
        except DatabaseUnavailable as failure:
            if time.monotonic() >= deadline:
                raise
            if time.monotonic() - told_at >= _TELL_SECONDS:
                told_at = time.monotonic()
                log.warning("worker_waits", reason=str(failure))
        await asyncio.sleep(_DATABASE_PAUSE_SECONDS)
