"""The paths whose histories are kept: how each is walked, with scripted activities on a real server."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from temporalio.client import Client, WorkflowFailureError, WorkflowHistory

from contracts.errors import (
    DatabaseUnavailable,
    InvalidMedia,
    LimitExceeded,
    NoVideoStream,
    OriginalMissing,
    OutputMismatch,
    StatusConflict,
    StorageFailed,
    TranscodeFailed,
    UnsupportedCodec,
    VideoError,
)
from contracts.processing import VideoProcessingInput
from contracts.status import VideoStatus
from contracts.temporal_names import CONTROL_QUEUE, workflow_id
from tests.workflows.scripted import Behaviour, ScriptedActivities, hang_with_heartbeats, scripted_workers
from workflows.video_processing import VideoProcessingWorkflow

RECORDED_VIDEO_ID: Final = "00000000-0000-4000-8000-000000000001"


@dataclass(frozen=True)
class Path:
    """One way through the workflow.

    Attributes:
        behaviours: What activities do that don't simply succeed.
        cancel_at: The activity during which the run is cancelled, or None.
        row_status: What ``mark_error`` finds in the row afterwards.
        attempt: Which attempt of the row the run serves.
        skips_time: Whether it is walked on the time-skipping server, because it waits for long.
    """

    behaviours: Mapping[str, Behaviour] = field(default_factory=dict)
    cancel_at: str | None = None
    row_status: VideoStatus | None = VideoStatus.ERROR
    attempt: int = 1
    skips_time: bool = False


def _fails(error: Exception, *, times: int | None = None) -> Behaviour:
    async def fail(call: int) -> None:
        if times is None or call <= times:
            raise error

    return fail


async def _hang_silently(_call: int) -> None:
    """Send no heartbeat until the server gives the attempt up and the worker hears of it."""
    await asyncio.sleep(300)


def _final(error: VideoError) -> Path:
    return Path({"validate_video": _fails(error)})


def _cancelled(name: str) -> Path:
    return Path({name: hang_with_heartbeats}, cancel_at=name)


PATHS: Final[Mapping[str, Path]] = {
    "ready": Path(),
    "ready_after_a_retry_by_hand": Path(attempt=2),
    "ready_after_retries_of_each_step": Path(
        {
            "validate_video": _fails(StorageFailed("The share is away."), times=1),
            "transcode_video": _fails(TranscodeFailed("Ffmpeg was killed."), times=1),
            "create_thumbnail": _fails(TranscodeFailed("Ffmpeg was killed."), times=1),
            "verify_output": _fails(OutputMismatch("The output is short."), times=1),
            "publish_files": _fails(StorageFailed("The disk is full."), times=1),
            "mark_ready": _fails(DatabaseUnavailable("PostgreSQL does not answer."), times=1),
            "clean_scratch": _fails(StorageFailed("The folder is busy."), times=1),
        }
    ),
    "error_invalid_media": _final(InvalidMedia("The file is not a video.")),
    "error_no_video_stream": _final(NoVideoStream("The file has no picture.")),
    "error_unsupported_codec": _final(UnsupportedCodec("The picture can't be decoded.")),
    "error_limit_exceeded": _final(LimitExceeded("The video is too long.")),
    "error_original_missing": _final(OriginalMissing("The uploaded file is gone.")),
    "error_transcode_failed": Path({"transcode_video": _fails(TranscodeFailed("Ffmpeg was killed."))}, skips_time=True),
    "error_thumbnail_failed": Path(
        {"transcode_video": hang_with_heartbeats, "create_thumbnail": _fails(InvalidMedia("There is no frame."))}
    ),
    "error_output_mismatch": Path({"verify_output": _fails(OutputMismatch("The output is short."))}, skips_time=True),
    "error_storage_failed": Path({"validate_video": _fails(StorageFailed("The disk is away."))}, skips_time=True),
    "error_internal": Path({"validate_video": _fails(RuntimeError("Nobody foresaw this."))}, skips_time=True),
    "error_timed_out": Path({"transcode_video": _hang_silently}),
    "error_cancelled_while_written": Path(
        {
            "validate_video": _fails(InvalidMedia("The file is not a video.")),
            "mark_error": _fails(DatabaseUnavailable("PostgreSQL does not answer."), times=1),
        },
        cancel_at="mark_error",
    ),
    "ready_cancelled_while_cleaned": Path(
        {"clean_scratch": _fails(StorageFailed("The folder is busy."), times=1)}, cancel_at="clean_scratch"
    ),
    "error_status_conflict": Path({"mark_ready": _fails(StatusConflict("The row has moved on."))}, row_status=None),
    "cancelled_validate": _cancelled("validate_video"),
    "cancelled_transcode": _cancelled("transcode_video"),
    "cancelled_verify": _cancelled("verify_output"),
    "cancelled_publish": _cancelled("publish_files"),
    "cancelled_mark_ready": _cancelled("mark_ready"),
}


async def walk(client: Client, path: Path) -> WorkflowHistory:
    """Walk the path to its end and return its history."""
    script = ScriptedActivities()
    script.behaviours.update(path.behaviours)
    script.row_status = path.row_status
    request = VideoProcessingInput(
        video_id=RECORDED_VIDEO_ID,
        user_id="local",
        original_key=f"originals/{RECORDED_VIDEO_ID}.mp4",
        attempt=path.attempt,
    )
    async with scripted_workers(client, script):
        # This handle lets a time-skipping server jump ahead while its result is awaited.
        handle = await client.start_workflow(
            VideoProcessingWorkflow.run,
            request,
            id=workflow_id(RECORDED_VIDEO_ID),
            task_queue=CONTROL_QUEUE,
            static_summary="holiday.mp4",
        )
        if path.cancel_at is not None:
            await script.begun(path.cancel_at)
            await handle.cancel()
        await _until_closed(handle.result)
        return await handle.fetch_history()


async def _until_closed(result: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(300):  # five silent attempts take three minutes
        try:
            await result()
        except WorkflowFailureError:
            return
