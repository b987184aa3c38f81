"""The names by which api, worker and Temporal find each other."""

import re
import secrets
from datetime import timedelta
from typing import Final

from contracts.webhooks import WEBHOOK_QUEUE

VIDEO_PROCESSING_WORKFLOW: Final = "VideoProcessingWorkflow"
VIDEO_DELETION_WORKFLOW: Final = "VideoDeletionWorkflow"

CONTROL_QUEUE: Final = "video-control"
"""Workflows and light I/O."""

MEDIA_QUEUE: Final = "video-media"
"""Everything that runs ffmpeg for longer than a blink."""

TASK_QUEUES: Final = (CONTROL_QUEUE, MEDIA_QUEUE, WEBHOOK_QUEUE)

WORKER_QUEUES: Final = (CONTROL_QUEUE, MEDIA_QUEUE)
"""What a worker process can be told to serve."""


def worker_queue(queue: str) -> str:
    """What a worker process has to be told to serve so that this queue is served."""
    return CONTROL_QUEUE if queue == WEBHOOK_QUEUE else queue


def new_own_queue() -> str:
    """A task queue for one worker process alone, for steps that read what it has copies of already."""
    return f"{MEDIA_QUEUE}-{secrets.token_hex(8)}"


ATTEMPT_MEMO: Final = "attempt"
"""Memo key: which attempt of the row (1, 2, …) a workflow run serves."""

IMPORTED_MEMO: Final = "imported"
"""Memo key: whether the run fetches the original first."""

START_TIMEOUT: Final = timedelta(seconds=3)
"""How long the api waits for Temporal before it answers; what is not started then, the reconciler starts."""


def workflow_id(video_id: str) -> str:
    """The id of the one workflow that processes the video."""
    return f"video-{video_id}"


def deletion_workflow_id(video_id: str) -> str:
    """The id of the one workflow that deletes the video."""
    return f"delete-{video_id}"


class ActivityId:
    """Ids of activities within a run: what the Web UI shows, and what progress is read from.

    A step of a video whose picture is copied has an id of its own, because its part of the whole work is another.
    """

    CLAIM: Final = "claim"
    FETCH: Final = "fetch"
    VALIDATE: Final = "validate"
    HASH: Final = "hash"
    COUNT_MINUTES: Final = "count-minutes"
    SOUND: Final = "sound"
    SOUND_OF_COPY: Final = "sound-of-copy"
    THUMBNAIL: Final = "thumbnail"
    THUMBNAIL_OF_COPY: Final = "thumbnail-of-copy"
    JOIN: Final = "join"
    COPY: Final = "copy"
    VERIFY: Final = "verify"
    VERIFY_OF_COPY: Final = "verify-of-copy"
    PUBLISH: Final = "publish"
    MARK_READY: Final = "mark-ready"
    MARK_ERROR: Final = "mark-error"
    WITHDRAW: Final = "withdraw"
    CLEAN: Final = "clean"
    STOP_RUN: Final = "stop-run"
    REMOVE_FILES: Final = "remove-files"
    REMOVE_ROW: Final = "remove-row"


def chunk_activity_id(number: int, of: int) -> str:
    """The id of the activity that encodes a chunk."""
    return f"chunk-{number}-of-{of}"


def parse_chunk_activity_id(activity_id: str) -> tuple[int, int] | None:
    """Number and count of the chunk that an activity encodes; None for another activity."""
    found = re.match(r"chunk-(\d+)-of-(\d+)(?:\.\d+)?$", activity_id)
    return (int(found[1]), int(found[2])) if found else None


def tried_again(activity_id: str, number: int) -> str:
    """The id of the same step's activity when it is asked for once more in the same run; ``number`` from 1."""
    return activity_id if number == 1 else f"{activity_id}.{number}"
