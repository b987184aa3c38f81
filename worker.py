"""Composition root of a worker process: builds what activities need, registers, runs, and hands work back at the end.

``python worker.py --queue video-control|video-media|all``. On the home of a stack that runs, it works for that stack.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import structlog
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import Interceptor, Worker, WorkerDeploymentConfig

from activities.arriving_original import FetchRules
from activities.claim_video import ClaimVideoActivities
from activities.clean_scratch import CleanScratchActivities
from activities.create_thumbnail import CreateThumbnailActivities
from activities.encode_chunk import EncodeChunkActivities
from activities.encode_sound import EncodeSoundActivities
from activities.error_types import ErrorTypeInterceptor
from activities.fetch_original import FetchOriginalActivities
from activities.hash_original import HashOriginalActivities
from activities.join_streams import JoinStreamsActivities
from activities.mark_error import MarkErrorActivities
from activities.mark_ready import MarkReadyActivities
from activities.publish_files import PublishFilesActivities
from activities.remove_video import RemoveVideoActivities
from activities.retry_videos import RetryVideosActivities
from activities.send_webhook import SendWebhookActivities
from activities.stop_run import StopRunActivities
from activities.validate_video import ValidateVideoActivities
from activities.verify_output import VerifyOutputActivities
from contracts.errors import DatabaseUnavailable, VideoError
from contracts.temporal_names import CONTROL_QUEUE, MEDIA_QUEUE, TASK_QUEUES, new_own_queue
from contracts.webhooks import WEBHOOK_QUEUE
from contracts.worker_identity import WorkerIdentity
from database.engine import Database
from embedded.joining import join
from failpoints import Failpoints
from fetching.addresses import AddressRules
from fetching.posting import Poster
from fetching.source import Patience, Sources
from logs import configure_logs
from media.capacity import PART_FOR_ONE, Capacity, memory_for_encodes
from media.ffmpeg import Bounds, Ffmpeg
from media.limits import MAX_SIDE, MediaLimits
from media.profile import Profiles, ProfilesInvalid, load_profiles
from media.programs import SAFE_SINCE, FfmpegMissing
from media.sandbox import SandboxMissing
from runs.actions import VideoActions
from runs.client import TemporalRuns
from runs.neighbours import AnotherStorage, refuse_another_storage
from runs.workers import WORKER_HEARTBEAT
from settings import Settings, SettingsError, load_settings
from storage.identity import storage_identity
from storage.opening import open_storage
from storage.protocol import Storage
from telemetry.exposition import new_registry, served
from telemetry.sdk import measured_runtime
from telemetry.steps import StepMetrics, StepMetricsInterceptor
from telemetry.traces import traced
from telemetry.videos import VideoMetrics, counted
from temporal_client import TemporalUnreachable, connect_within, named_address
from workflows.video_cohort import VideoCohortWorkflow
from workflows.video_deletion import VideoDeletionWorkflow
from workflows.video_processing import VideoProcessingWorkflow
from workflows.webhook_delivery import WebhookDeliveryWorkflow

log = structlog.stdlib.get_logger("worker")

_HEARTBEAT_THROTTLE = timedelta(seconds=1)
"""A cancel comes with the answer to a heartbeat. They are sent every two seconds, so none of them is held back."""

_WEBHOOKS_AT_ONCE = 50

_DATABASE_PAUSE_SECONDS = 0.5

_NO_DEPLOYMENT = "rushes"
"""Name beside the version of a worker that takes part in no versioning; Temporal wants one."""

_PADDING_PIXELS = 2 * MAX_SIDE * 64
"""A decoder's picture is larger than what is shown of it, by less than a block at two sides."""

_CANT_START = (
    *(SettingsError, TemporalUnreachable, VideoError, AnotherStorage, RPCError),
    *(FfmpegMissing, SandboxMissing, ProfilesInvalid),
)


@dataclass(frozen=True)
class Place:
    """What the workers of a process stand in.

    Attributes:
        storage: The files.
        identity: The same for all who see the same files.
        watching: Told of every step.
    """

    storage: Storage
    identity: str
    watching: tuple[Interceptor, ...] = ()


def control_worker(client: Client, settings: Settings, place: Place, database: Database, runs: TemporalRuns) -> Worker:
    """The worker of ``video-control``: workflows and light I/O."""
    publish = PublishFilesActivities(place.storage, database.videos)
    remove = RemoveVideoActivities(place.storage, database.deletions)
    actions = VideoActions(database.videos, database.deletions, place.storage, runs)
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
            fetch.fetch_original,
            publish.publish_files,
            publish.withdraw_files,
            MarkReadyActivities(database.videos).mark_ready,
            MarkErrorActivities(database.videos).mark_error,
            CleanScratchActivities(place.storage).clean_scratch,
            StopRunActivities(database.deletions, runs).stop_run,
            remove.remove_files,
            remove.remove_row,
            RetryVideosActivities(database.cohorts, actions).retry_videos,
        ],
        identity=_identity(CONTROL_QUEUE, settings, place),
        interceptors=[*place.watching, ErrorTypeInterceptor(count_unforeseen=False)],
        deployment_config=deployment_of(settings),
        max_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
        default_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
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
        identity=_identity(WEBHOOK_QUEUE, settings, place),
        interceptors=[*place.watching, ErrorTypeInterceptor(count_unforeseen=False)],
        deployment_config=deployment_of(settings, VersioningBehavior.AUTO_UPGRADE),
        max_concurrent_activities=_WEBHOOKS_AT_ONCE,
        graceful_shutdown_timeout=timedelta(seconds=settings.worker_grace_seconds),
    )


def media_workers(client: Client, settings: Settings, place: Place, ffmpeg: Ffmpeg, profiles: Profiles) -> list[Worker]:
    """The worker of ``video-media``: as many ffmpeg activities at once as the cores carry.

    Where files are in a bucket there is another one for this process alone: what it has copies of is joined and
    verified here rather than fetched elsewhere. Its queue is no version's: it lives and dies with the process.
    """
    limits = MediaLimits(
        max_duration_seconds=settings.max_duration_seconds,
        max_pixels=settings.max_pixels,
        max_encoded_pixels=settings.max_encoded_pixels,
    )
    storage = place.storage
    own_queue = new_own_queue() if settings.place.bucket is not None else None
    finishing: list[Callable[..., Any]] = [
        JoinStreamsActivities(ffmpeg, storage, own_queue).join_streams,
        VerifyOutputActivities(ffmpeg, storage).verify_output,
    ]
    every: list[Callable[..., Any]] = [
        ValidateVideoActivities(ffmpeg, storage, limits, profiles, own_queue).validate_video,
        EncodeChunkActivities(ffmpeg, storage, own_queue).encode_chunk,
        EncodeSoundActivities(ffmpeg, storage).encode_sound,
        CreateThumbnailActivities(ffmpeg, storage).create_thumbnail,
        HashOriginalActivities(storage).hash_original,
        *finishing,
    ]

    def serving(
        queue: str, activities: Sequence[Callable[..., Any]], deployment: WorkerDeploymentConfig | None
    ) -> Worker:
        return Worker(
            client,
            task_queue=queue,
            activities=activities,
            identity=_identity(MEDIA_QUEUE, settings, place),
            interceptors=[*place.watching, ErrorTypeInterceptor(count_unforeseen=True)],
            deployment_config=deployment,
            max_concurrent_activities=settings.media_slot_count,
            max_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
            default_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
            graceful_shutdown_timeout=timedelta(seconds=settings.worker_grace_seconds),
        )

    workers = [serving(MEDIA_QUEUE, every, deployment_of(settings))]
    return workers if own_queue is None else [*workers, serving(own_queue, finishing, None)]


def deployment_of(
    settings: Settings, behavior: VersioningBehavior = VersioningBehavior.PINNED
) -> WorkerDeploymentConfig:
    """Which version of which deployment the worker is, so that a video ends on the version that began it.

    Without a deployment it says its version and no more: any worker takes any video.
    """
    if settings.deployment is None:
        return WorkerDeploymentConfig(
            version=WorkerDeploymentVersion(_NO_DEPLOYMENT, settings.worker_version), use_worker_versioning=False
        )
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(settings.deployment, settings.worker_version),
        use_worker_versioning=True,
        default_versioning_behavior=behavior,
    )


def _identity(queue: str, settings: Settings, place: Place) -> str:
    return str(WorkerIdentity.of_this_process(queue, label=settings.worker_label, storage=place.identity))


async def run(settings: Settings, queues: Sequence[str]) -> None:
    """Serve the queues until SIGTERM or SIGINT, then finish or hand back what runs.

    Raises:
        SettingsError: ``DATABASE_URL`` is not set.
        TemporalUnreachable: Temporal did not answer in time.
        ProfilesInvalid: The operator's file of profiles can't be used.
        VideoError: The database did not answer in time, or storage can't be written to.
        AnotherStorage: Other workers of these queues keep their files elsewhere.
        RPCError: Temporal does not say which workers there are.
        FfmpegMissing: There is no ffmpeg to run.
        SandboxMissing: A sandbox is required, and none works here.
    """
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    ffmpeg = await find_ffmpeg(settings) if MEDIA_QUEUE in queues else None
    log.info(
        "worker_starting",
        version=version("rushes"),
        queues=list(queues),
        media_slots=settings.media_slot_count,
        **({} if ffmpeg is None else {"sandbox": ffmpeg.sandbox.layer, "protections": ffmpeg.sandbox.protections}),
    )
    profiles = load_profiles(settings.profiles)
    async with contextlib.AsyncExitStack() as resources:
        points = Failpoints(settings.failpoints)
        storage = points.around("storage", await resources.enter_async_context(open_storage(settings.place)))
        registry = new_registry() if settings.metrics_port is not None else None
        port = resources.enter_context(served(registry, settings.metrics_host, settings.metrics_port))
        runtime = measured_runtime(registry, worker_heartbeat=WORKER_HEARTBEAT)
        plugins = resources.enter_context(traced(settings.traces_endpoint, "rushes-worker"))
        seconds = settings.connect_timeout_seconds
        client = await connect_within(seconds, waiting=_tell_waiting, runtime=runtime, plugins=plugins)
        await storage.check()
        watching = () if registry is None else (StepMetricsInterceptor(StepMetrics(registry)),)
        place = Place(storage, await storage_identity(settings.place), watching)
        await refuse_another_storage(client, place.identity, str(settings.place))
        workers = []
        if CONTROL_QUEUE in queues:
            rows = Database(settings.required_database_url, settings.database_pool_size)
            database = points.around("database", rows if registry is None else counted(rows, VideoMetrics(registry)))
            resources.push_async_callback(database.dispose)
            await _wait_for(database, settings.connect_timeout_seconds)
            runs = points.around("runs", TemporalRuns(client))
            workers.append(control_worker(client, settings, place, database, runs))
            workers.append(webhook_worker(client, settings, place, database))
        if ffmpeg is not None:
            workers += media_workers(client, settings, place, ffmpeg, profiles)
        for worker in workers:
            await resources.enter_async_context(worker)
        log.info(
            "worker_ready",
            temporal=client.service_client.config.target_host,
            namespace=client.namespace,
            storage=place.identity,
            **({} if port is None else {"metrics_port": port}),
        )
        await stop.wait()
        log.info("worker_stopping", grace_seconds=settings.worker_grace_seconds)
        await asyncio.gather(*(worker.shutdown() for worker in workers))
    log.info("worker_stopped")


async def _wait_for(database: Database, seconds: float) -> None:
    """Ask until PostgreSQL answers. Raises the last ``DatabaseUnavailable`` when it has not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await database.ping(max(1.0, deadline - time.monotonic()))
        except DatabaseUnavailable as failure:
            if time.monotonic() >= deadline:
                raise
            log.warning("worker_waits", reason=str(failure))
        await asyncio.sleep(_DATABASE_PAUSE_SECONDS)


def _tell_waiting(sentence: str) -> None:
    log.warning("worker_waits", reason=sentence)


async def find_ffmpeg(settings: Settings) -> Ffmpeg:
    """The programs, with this worker's memory for encodes; those that a setting names may be old, which is said.

    Raises:
        FfmpegMissing: There is no ffmpeg to run.
        SandboxMissing: A sandbox is required, and none works here.
    """
    workers = settings.workers_on_host
    ffmpeg = await Ffmpeg.locate(
        settings.ffmpeg,
        settings.ffprobe,
        capacity=Capacity(memory_for_encodes(workers)),
        stall_seconds=settings.stall_seconds,
        encoder_threads=settings.encoder_threads,
        sandbox=settings.sandbox,
        bounds=Bounds(settings.max_pixels + _PADDING_PIXELS, memory_for_encodes(workers, part=PART_FOR_ONE)),
    )
    if ffmpeg.unsafe:
        log.warning("ffmpeg_is_old", programs=list(ffmpeg.unsafe), needed=".".join(map(str, SAFE_SINCE)))
    return ffmpeg


def _log_context_once() -> None:
    """Temporal's loggers give their context as fields; by default they also write it into each message."""
    workflow.logger.workflow_info_on_message = False
    activity.logger.activity_info_on_message = False


def _settings(options: Mapping[str, str | None]) -> Settings:
    """The settings of the environment, of the command line, and of the stack that runs on this home.

    Raises:
        SettingsError: One can't be used.
    """
    os.environ.update({name: value for name, value in options.items() if value is not None})
    join(load_settings().home, named_address())
    return load_settings()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a worker process.

    Returns:
        Exit code: 0 after a signal, 1 when something that it needs is not there.
    """
    parser = argparse.ArgumentParser(
        prog="worker.py", description="Work for Rushes: take videos off Temporal's queues."
    )
    parser.add_argument("--queue", choices=[*TASK_QUEUES, "all"], default="all", help="which task queue (default: all)")
    parser.add_argument("--slots", help="ffmpeg activities at once (default: RUSHES_MEDIA_SLOTS)")
    parser.add_argument("--label", help="what Temporal shows of this worker beside its host (RUSHES_WORKER_LABEL)")
    options = parser.parse_args(arguments)
    queue = options.queue
    configure_logs("json", "info")  # until the settings say otherwise
    try:
        settings = _settings({"RUSHES_MEDIA_SLOTS": options.slots, "RUSHES_WORKER_LABEL": options.label})
        configure_logs(settings.log_format, settings.log_level)
        _log_context_once()
        asyncio.run(run(settings, TASK_QUEUES if queue == "all" else (queue,)))
    except _CANT_START as error:
        log.error("worker_cannot_start", reason=str(error))  # noqa: TRY400 - the sentence says it all
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
