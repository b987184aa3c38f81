"""Timeouts, heartbeats, retries and priorities of every activity. Here, and nowhere else.

Three clocks bound each step:

* ``start_to_close``: one attempt. Long enough for the slowest honest run, so that only what hangs is cut off.
* ``heartbeat``: silence within an attempt. Every step beats every two seconds whatever it does, so silence means that
  its worker is gone. Whether ffmpeg gets anywhere is watched beside it (``media.watchdog``).
* ``schedule_to_close``: the step as a whole, waiting in the queue and every retry included. It has to outlast a backlog
  or an outage, so it is days, and it is what finally ends a step that can't succeed. A deletion has none.

Temporal's retries are for what passes by itself: a lost worker, a deploy, a disk or database that is away. What the
work itself may cause, ffmpeg's failures above all, is tried ``MOST_FAILURES`` times by the workflow, which counts them
where restarts can't use them up.
"""

from datetime import timedelta
from typing import Final

from temporalio.common import Priority, RetryPolicy
from temporalio.workflow import ActivityCancellationType, ActivityConfig

from contracts.temporal_names import CONTROL_QUEUE, MEDIA_QUEUE
from contracts.webhooks import WEBHOOK_QUEUE

MOST_FAILURES: Final = 5
"""A crash may pass, but what has failed five times by itself is not worth the cores."""

MOST_FETCH_FAILURES: Final = 9
"""A source that fails is asked again after 2, 4, … 256 s: eight and a half minutes, which outlast a restart there."""

CHUNKS_AT_ONCE: Final = 16
"""So many chunks of one video are asked for at a time, in order of time; more than any team's workers take."""

_FIRST_PAUSE: Final = timedelta(seconds=2)

_OUTLAST_AN_OUTAGE: Final = timedelta(days=7)
_STOP_BEFORE_CLEANING: Final = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
"""A cancelled run waits until the step has stopped: what still runs may still write."""

_NOT_WAITED_FOR: Final = timedelta(seconds=5)
"""A worker that has the files at hand and has not begun by then is gone, or has too much to do."""

_SILENCE: Final = timedelta(seconds=8)
"""Four beats that did not come: the worker is gone."""

_FOR_MEMORY: Final = timedelta(hours=1)
"""An encode that holds it may take so long."""

_READ_ALL: Final = timedelta(hours=2)
"""Enough to read 50 GB from a slow network disk, which a look at every packet does."""

_FULL_HD_PIXELS: Final = 1920 * 1080

_LOOK: Final = 1
_FINISH: Final = 2
_SHORT: Final = 3
_LONG: Final = 4
_FILM: Final = 5
_BY_LENGTH: Final = ((60.0, _SHORT), (600.0, _LONG), (float("inf"), _FILM))
"""Priorities, 1 first: a new upload is looked at, and what is nearly done finished, before another hour is encoded."""

_PASSING: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(minutes=1),
    maximum_attempts=1000,
)
"""Lost workers, deploys, a disk that is away: for most of a day. Not for ever: a file may take each of its workers down
with it."""

_STORAGE_RETRIES: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=5)
)
"""A full or absent disk: until somebody has mended it, or ``schedule_to_close`` ends the step."""

_DATABASE_RETRIES: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=1)
)
"""PostgreSQL away: the work is done, so wait for it as long as it takes, and be back within a minute."""

ROW: Final = ActivityConfig(
    task_queue=CONTROL_QUEUE,
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=_OUTLAST_AN_OUTAGE,
    heartbeat_timeout=_SILENCE,
    retry_policy=_DATABASE_RETRIES,
    cancellation_type=_STOP_BEFORE_CLEANING,
)

PUBLISH: Final = ActivityConfig(
    task_queue=CONTROL_QUEUE,
    start_to_close_timeout=timedelta(minutes=30),
    schedule_to_close_timeout=_OUTLAST_AN_OUTAGE,
    heartbeat_timeout=_SILENCE,
    retry_policy=_STORAGE_RETRIES,
    cancellation_type=_STOP_BEFORE_CLEANING,
)
"""Also the way back: what was published and must not be seen is taken back however long the disk is away."""

FETCH: Final = ActivityConfig(
    task_queue=CONTROL_QUEUE,
    start_to_close_timeout=timedelta(hours=25),
    schedule_to_close_timeout=_OUTLAST_AN_OUTAGE,
    heartbeat_timeout=_SILENCE,
    retry_policy=_STORAGE_RETRIES,
    cancellation_type=_STOP_BEFORE_CLEANING,
)
"""How long a source may take is a setting, at most a day, and ends the import; this clock only ends what hangs."""

STOP: Final = ActivityConfig(
    task_queue=CONTROL_QUEUE,
    start_to_close_timeout=timedelta(minutes=1),
    heartbeat_timeout=_SILENCE,
    retry_policy=_DATABASE_RETRIES,
)
"""What deletes a video has no ``schedule_to_close``: it was accepted, and nobody is left who would ask for it again."""

REMOVE: Final = ActivityConfig(
    task_queue=CONTROL_QUEUE,
    start_to_close_timeout=timedelta(minutes=30),
    heartbeat_timeout=_SILENCE,
    retry_policy=_STORAGE_RETRIES,
)

REMOVE_ROW: Final = ActivityConfig(
    task_queue=CONTROL_QUEUE,
    start_to_close_timeout=timedelta(seconds=30),
    heartbeat_timeout=_SILENCE,
    retry_policy=_DATABASE_RETRIES,
)

RETRY_VIDEOS: Final = ActivityConfig(
    task_queue=CONTROL_QUEUE,
    start_to_close_timeout=timedelta(minutes=2),
    schedule_to_close_timeout=_OUTLAST_AN_OUTAGE,
    heartbeat_timeout=_SILENCE,
    retry_policy=_DATABASE_RETRIES,
)
"""Of a cohort: some videos at a time, each a row and a start."""

STEPS_HAVE_HEARD: Final = _SILENCE + timedelta(seconds=4)
"""So long after a run was terminated no step of it goes on: each learns of it with its next heartbeat."""

CLEAN: Final = ActivityConfig(
    task_queue=CONTROL_QUEUE,
    start_to_close_timeout=timedelta(minutes=2),
    schedule_to_close_timeout=timedelta(minutes=10),
    heartbeat_timeout=_SILENCE,
    retry_policy=_STORAGE_RETRIES,
    cancellation_type=_STOP_BEFORE_CLEANING,
)


GIVE_UP: Final = ActivityConfig(
    task_queue=WEBHOOK_QUEUE,
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=_OUTLAST_AN_OUTAGE,
    heartbeat_timeout=_SILENCE,
    retry_policy=_DATABASE_RETRIES,
)


def send_options(webhook_id: str, share: float) -> ActivityConfig:
    """Options of ``send_webhook``: when it is tried again, it says itself.

    Args:
        webhook_id: Whose turn it uses up, so that one receiver that is slow takes none of the others'.
        share: Which part of a turn it has, so that twenty webhooks of one user take no more of others' than one.
    """
    return ActivityConfig(
        task_queue=WEBHOOK_QUEUE,
        start_to_close_timeout=timedelta(minutes=1),
        schedule_to_close_timeout=timedelta(days=4),
        heartbeat_timeout=_SILENCE,
        retry_policy=_DATABASE_RETRIES,
        priority=Priority(fairness_key=webhook_id, fairness_weight=share),
    )


def look_options(user_id: str, duration_seconds: float = 0.0) -> ActivityConfig:
    """Options of ``validate_video`` and ``create_thumbnail``: what every new upload waits for.

    Args:
        user_id: Whose turn it uses up.
        duration_seconds: Length of the video; 0 where it is not known yet.

    A look may wait for the memory that encodes hold, which counts, so an hour comes on top.
    """
    return _media_options(user_id, _LOOK, _FOR_MEMORY + _READ_ALL + timedelta(seconds=duration_seconds))


def finish_options(user_id: str, duration_seconds: float) -> ActivityConfig:
    """Options of ``join_streams`` and ``verify_output``, which read and write at the speed of the disk."""
    return _media_options(user_id, _FINISH, _READ_ALL + timedelta(seconds=duration_seconds))


def encode_options(user_id: str, seconds: float, pixels: int, duration_seconds: float) -> ActivityConfig:
    """Options of ``encode_chunk`` and ``encode_sound``, scaled to the work.

    Args:
        user_id: Whose turn it uses up.
        seconds: Length of what is encoded.
        pixels: Width times height of the output; 0 for sound.
        duration_seconds: Length of the whole video: short ones come before long ones.

    An attempt may take 30 times the length for a 1080p picture, in proportion for a larger one: an order of magnitude
    over what ``docs/decisions/0003-encoding-profile.md`` measured on two cores. Waiting for memory counts, so an hour
    comes on top.
    """
    size = max(1.0, pixels / _FULL_HD_PIXELS)
    priority = next(priority for longest, priority in _BY_LENGTH if duration_seconds <= longest)
    return _media_options(user_id, priority, _FOR_MEMORY + 30 * size * timedelta(seconds=seconds))


def at_hand_options(options: ActivityConfig, queue: str) -> ActivityConfig:
    """The same, on the one worker that has the files at hand: tried there once, and not waited for.

    Args:
        options: Of the step.
        queue: That worker's own, from ``contracts.temporal_names.new_own_queue``.
    """
    own = ActivityConfig(
        task_queue=queue,
        schedule_to_start_timeout=_NOT_WAITED_FOR,
        retry_policy=RetryPolicy(maximum_attempts=1),
    )
    return {**options, **own}


def pause_after(failures: int) -> timedelta:
    """How long to wait after so many failures of the work itself: 2 s, and twice as long each time."""
    return _FIRST_PAUSE * float(2 ** (failures - 1))


def _media_options(user_id: str, priority: int, start_to_close: timedelta) -> ActivityConfig:
    return ActivityConfig(
        task_queue=MEDIA_QUEUE,
        start_to_close_timeout=start_to_close,
        schedule_to_close_timeout=_OUTLAST_AN_OUTAGE,
        heartbeat_timeout=_SILENCE,
        retry_policy=_PASSING,
        cancellation_type=_STOP_BEFORE_CLEANING,
        priority=Priority(priority_key=priority, fairness_key=user_id[:64]),
    )
