"""The workers of ffmpeg: ``video-media``, and a queue of this process alone where files are in a bucket."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog
from temporalio.client import Client
from temporalio.worker import Worker, WorkerDeploymentConfig

from activities.create_thumbnail import CreateThumbnailActivities
from activities.encode_chunk import EncodeChunkActivities
from activities.encode_sound import EncodeSoundActivities
from activities.error_types import ErrorTypeInterceptor
from activities.hash_original import HashOriginalActivities
from activities.join_streams import JoinStreamsActivities
from activities.validate_video import ValidateVideoActivities
from activities.verify_output import VerifyOutputActivities
from contracts.temporal_names import MEDIA_QUEUE, new_own_queue
from media.capacity import PART_FOR_ONE, Capacity, memory_for_encodes
from media.ffmpeg import Bounds, Ffmpeg
from media.limits import MAX_SIDE, MediaLimits
from media.looking import most_of_each
from media.profile import Profiles
from media.programs import SAFE_SINCE
from settings import Settings
from workers.place import HEARTBEAT_THROTTLE, Place, deployment_of, identity_of

log = structlog.stdlib.get_logger("worker")

SLOTS_AT_HAND: Final = 1
"""Of the queue of this process alone. It is waited for as little as anything there: others take what it can't."""

_PADDING_PIXELS: Final = 2 * MAX_SIDE * 64
"""A decoder's picture is larger than what is shown of it, by less than a block at two sides."""


async def find_ffmpeg(settings: Settings) -> Ffmpeg:
    """The programs, with this worker's memory for encodes; those that a setting names may be old, which is said.

    Raises:
        FfmpegMissing: There is no ffmpeg to run.
        SandboxMissing: A sandbox is required, and none works here.
    """
    workers = settings.workers_on_host
    memory_bytes = memory_for_encodes(workers)
    ffmpeg = await Ffmpeg.locate(
        settings.ffmpeg,
        settings.ffprobe,
        capacity=Capacity(memory_bytes),
        stall_seconds=settings.stall_seconds,
        encoder_threads=settings.encoder_threads,
        sandbox=settings.sandbox,
        bounds=Bounds(
            pixels=settings.max_pixels + _PADDING_PIXELS,
            memory_bytes=memory_for_encodes(workers, part=PART_FOR_ONE),
            reading_bytes=most_of_each(memory_bytes),
        ),
    )
    if ffmpeg.unsafe:
        log.warning("ffmpeg_is_old", programs=list(ffmpeg.unsafe), needed=".".join(map(str, SAFE_SINCE)))
    return ffmpeg


def media_workers(client: Client, settings: Settings, place: Place, ffmpeg: Ffmpeg, profiles: Profiles) -> list[Worker]:
    """The worker of ``video-media``: as many ffmpeg activities at once as the cores carry.

    Where files are in a bucket there is another one for this process alone: what it has copies of is joined and
    verified here rather than fetched elsewhere. Its queue is no version's: it lives and dies with the process. It takes
    one step at a time, beside the others: a slot that both had in common would be held by the one that asks for work.
    """
    limits = MediaLimits(
        max_duration_seconds=settings.max_duration_seconds,
        max_pixels=settings.max_pixels,
        max_encoded_pixels=settings.max_encoded_pixels,
        max_frame_rate=settings.max_frame_rate,
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
        queue: str, activities: Sequence[Callable[..., Any]], deployment: WorkerDeploymentConfig | None, slots: int
    ) -> Worker:
        return Worker(
            client,
            task_queue=queue,
            activities=activities,
            identity=identity_of(MEDIA_QUEUE, settings, place, sandbox=ffmpeg.sandbox.layer),
            interceptors=[*place.watching, ErrorTypeInterceptor(count_unforeseen=True)],
            deployment_config=deployment,
            max_concurrent_activities=slots,
            max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
            default_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
            graceful_shutdown_timeout=timedelta(seconds=settings.worker_grace_seconds),
        )

    workers = [serving(MEDIA_QUEUE, every, deployment_of(settings), settings.media_slot_count)]
    return workers if own_queue is None else [*workers, serving(own_queue, finishing, None, SLOTS_AT_HAND)]
