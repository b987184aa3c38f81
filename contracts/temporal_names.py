"""The names by which api, worker and Temporal find each other."""

from datetime import timedelta
from typing import Final

from temporalio.common import SearchAttributeKey

VIDEO_PROCESSING_WORKFLOW: Final = "VideoProcessingWorkflow"

CONTROL_QUEUE: Final = "video-control"
"""Workflows and light I/O."""

MEDIA_QUEUE: Final = "video-media"
"""Everything that runs ffmpeg for longer than a blink."""

TASK_QUEUES: Final = (CONTROL_QUEUE, MEDIA_QUEUE)

VIDEO_STATUS: Final = SearchAttributeKey.for_keyword("VideoStatus")
VIDEO_ERROR_CODE: Final = SearchAttributeKey.for_keyword("VideoErrorCode")
USER_ID: Final = SearchAttributeKey.for_keyword("UserId")
SEARCH_ATTRIBUTES: Final = (VIDEO_STATUS, VIDEO_ERROR_CODE, USER_ID)

ATTEMPT_MEMO: Final = "attempt"
"""Memo key: which attempt of the row (1, 2, …) a workflow run serves."""

START_TIMEOUT: Final = timedelta(seconds=3)
"""How long the api waits for Temporal before it answers; what is not started then, the reconciler starts."""


def workflow_id(video_id: str) -> str:
    """The id of the one workflow that processes the video."""
    return f"video-{video_id}"
