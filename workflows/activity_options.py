"""Timeouts, heartbeats and retries of every activity. Here, and nowhere else.

Three clocks bound each step:

* ``start_to_close``: one attempt. Long enough for the slowest honest run, so that only what hangs is cut off.
* ``heartbeat``: silence within an attempt. Long steps send heartbeats when ffmpeg's output has grown, so silence means
  that the encoder hangs or the worker is gone; short ones send them while they run.
* ``schedule_to_close``: the step as a whole, waiting in the queue and every retry included. It has to outlast a backlog
  or an outage, so it is days, and it is what finally ends a step that can't succeed.

A retry policy never says one attempt: a worker that is stopped hands its work back as a failure that is retried.
"""

from datetime import timedelta
from typing import Final

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, ActivityConfig

from contracts.temporal_names import CONTROL_QUEUE, MEDIA_QUEUE

_OUTLAST_AN_OUTAGE: Final = timedelta(days=7)
_STOP_BEFORE_CLEANING: Final = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
"""A cancelled run waits until the step has stopped: what still runs may still write."""

_SILENCE: Final = timedelta(seconds=30)
"""So long without a heartbeat, and the encoder hangs or the worker is gone."""

_FULL_HD_PIXELS: Final = 1920 * 1080

_MEDIA_RETRIES: Final = RetryPolicy(
    initial_interval=timedelta(seconds=2),
    backoff_coefficient=2,
    maximum_interval=timedelta(minutes=2),
    maximum_attempts=5,
)
"""Ffmpeg: a crash or a killed worker may pass, but an encode that has failed five times is not worth the cores."""

_STORAGE_RETRIES: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=5)
)
"""A full or absent disk: until somebody has mended it, or ``schedule_to_close`` ends the step."""

_DATABASE_RETRIES: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=1)
)
"""PostgreSQL away: the work is done, so wait for it as long as it takes, and be back within a minute."""

VALIDATE: Final = ActivityConfig(
    task_queue=MEDIA_QUEUE,
    start_to_close_timeout=timedelta(minutes=2),
    schedule_to_close_timeout=_OUTLAST_AN_OUTAGE,
    heartbeat_timeout=_SILENCE,
    retry_policy=_MEDIA_RETRIES,
    cancellation_type=_STOP_BEFORE_CLEANING,
)

THUMBNAIL: Final = ActivityConfig(
    task_queue=MEDIA_QUEUE,
    start_to_close_timeout=timedelta(minutes=2),
    schedule_to_close_timeout=_OUTLAST_AN_OUTAGE,
    heartbeat_timeout=_SILENCE,
    retry_policy=_MEDIA_RETRIES,
    cancellation_type=_STOP_BEFORE_CLEANING,
)

PUBLISH: Final = ActivityConfig(
    task_queue=CONTROL_QUEUE,
    start_to_close_timeout=timedelta(minutes=10),
    schedule_to_close_timeout=timedelta(days=1),
    heartbeat_timeout=_SILENCE,
    retry_policy=_STORAGE_RETRIES,
    cancellation_type=_STOP_BEFORE_CLEANING,
)

MARK: Final = ActivityConfig(
    task_queue=CONTROL_QUEUE,
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=_OUTLAST_AN_OUTAGE,
    retry_policy=_DATABASE_RETRIES,
    cancellation_type=_STOP_BEFORE_CLEANING,
)

CLEAN: Final = ActivityConfig(
    task_queue=CONTROL_QUEUE,
    start_to_close_timeout=timedelta(minutes=2),
    schedule_to_close_timeout=timedelta(minutes=10),
    retry_policy=_STORAGE_RETRIES,
    cancellation_type=_STOP_BEFORE_CLEANING,
)


def transcode_options(duration_seconds: float, pixels: int) -> ActivityConfig:
    """Options of ``transcode_video``, scaled to the work.

    Args:
        duration_seconds: Length of the source; 0 where it is not known, which then counts as an hour.
        pixels: Width times height of the output.

    An attempt may take 30 times the video's length for a 1080p picture, in proportion for a larger one: an order of
    magnitude over what ``docs/decisions/0003-encoding-profile.md`` measured on two cores.
    """
    return _ffmpeg_options(duration_seconds, pixels, times_real_time=30)


def verify_options(duration_seconds: float, pixels: int) -> ActivityConfig:
    """Options of ``verify_output``, which decodes the whole output once; arguments as for ``transcode_options``."""
    return _ffmpeg_options(duration_seconds, pixels, times_real_time=5)


def described(options: ActivityConfig, summary: str) -> ActivityConfig:
    """The options with a line that Temporal's Web UI shows beside the step."""
    return {**options, "summary": summary}


def _ffmpeg_options(duration_seconds: float, pixels: int, *, times_real_time: int) -> ActivityConfig:
    size = max(1.0, pixels / _FULL_HD_PIXELS)
    length = timedelta(seconds=duration_seconds or 3600)
    return ActivityConfig(
        task_queue=MEDIA_QUEUE,
        start_to_close_timeout=timedelta(minutes=5) + times_real_time * size * length,
        schedule_to_close_timeout=_OUTLAST_AN_OUTAGE,
        # x264 looks 40 frames ahead before the first output; a larger picture needs longer for them.
        heartbeat_timeout=_SILENCE * size,
        retry_policy=_MEDIA_RETRIES,
        cancellation_type=_STOP_BEFORE_CLEANING,
    )
