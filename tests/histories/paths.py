"""The paths whose histories are kept: how each is walked, with scripted activities on a real server.

One for each way through the workflow, not for each reason: where two errors lead to the same commands, one is kept.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from temporalio.client import Client, WorkflowFailureError, WorkflowHistory

from contracts.errors import (
    DatabaseUnavailable,
    InvalidMedia,
    OutputMismatch,
    SourceFailed,
    SourceNotFound,
    StatusConflict,
    StorageFailed,
    TranscodeFailed,
)
from contracts.processing import VideoDeletionInput, VideoProcessingInput
from contracts.status import VideoStatus
from contracts.temporal_names import CONTROL_QUEUE, deletion_workflow_id, workflow_id
from media.plan import TranscodePlan
from tests.histories.cohort_paths import COHORT_PATHS, CohortPath, walk_cohort
from tests.histories.webhook_paths import WEBHOOK_PATHS, WebhookPath, walk_webhook
from tests.workflows.impatience import Impatient
from tests.workflows.plans import copied_plan, encoded_plan
from tests.workflows.running import Handle, paused
from tests.workflows.scripted import (
    Behaviour,
    ScriptedActivities,
    always,
    first,
    hang_silently,
    hang_with_heartbeats,
    scripted_workers,
)
from workflows.video_deletion import VideoDeletionWorkflow
from workflows.video_processing import VideoProcessingWorkflow

RECORDED_VIDEO_ID: Final = "00000000-0000-4000-8000-000000000001"
PAUSE: Final = "a pause between two tries"
_MINUTES_AT_MOST: Final = 5
_KEY: Final = f"originals/{RECORDED_VIDEO_ID}.mp4"


@dataclass(frozen=True)
class Path:
    """One way through the workflow.

    Attributes:
        plan: What ``validate_video`` answers.
        behaviours: What activities do that don't simply succeed.
        cancel_at: The activity during which the run is cancelled, or ``PAUSE``, or None.
        row_status: What ``mark_error`` finds in the row afterwards.
        skips_time: Whether it is walked on the time-skipping server, because it waits for long.
        most_attempts: How often Temporal tries each activity, at once; None for as often as the workflow says.
        imported: Whether the original is fetched first.
        hash_is_known: Whether the upload was hashed as it arrived.
        deletes: Whether it is the way out: the video is deleted.
        was_terminated: Whether the run of the deleted video did not end by itself.
        reprocess: Whether a ready video is made anew.
        is_served: What ``fail_reprocessing`` finds in the row afterwards.
    """

    plan: TranscodePlan
    behaviours: Mapping[str, Behaviour] = field(default_factory=dict)
    cancel_at: str | None = None
    row_status: VideoStatus | None = VideoStatus.ERROR
    skips_time: bool = False
    most_attempts: int | None = None
    imported: bool = False
    hash_is_known: bool = True
    deletes: bool = False
    was_terminated: bool = False
    reprocess: bool = False
    is_served: bool = False


_COPIED: Final = copied_plan()
_ENCODED: Final = encoded_plan(2, encoded_sound=True)


def _cancelled(name: str) -> Path:
    return Path(_ENCODED, {name: hang_with_heartbeats}, cancel_at=name)


PATHS: Final[Mapping[str, Path | WebhookPath | CohortPath]] = {
    **WEBHOOK_PATHS,
    **COHORT_PATHS,
    "ready_copied": Path(_COPIED),
    "ready_encoded_in_chunks": Path(encoded_plan(20)),
    "ready_with_encoded_sound": Path(_ENCODED),
    "ready_hashed_by_the_run": Path(_COPIED, hash_is_known=False),
    "ready_after_retries": Path(
        _ENCODED,
        {
            "claim_video": first(1, StorageFailed("The share is away.")),
            "validate_video": first(1, TranscodeFailed("It crashed.")),
            "chunk-2-of-2": first(2, TranscodeFailed("It crashed.")),
            "encode_sound": first(1, RuntimeError("Nobody foresaw this.")),
            "create_thumbnail": first(1, OutputMismatch("It is no JPEG.")),
            "join_streams": first(1, TranscodeFailed("It crashed.")),
            "clean_scratch": first(1, StorageFailed("The folder is busy.")),
        },
        skips_time=True,
    ),
    "ready_made_anew": Path(_COPIED, {"verify_output": first(1, OutputMismatch("The packets differ."))}),
    "ready_cancelled_while_cleaned": Path(
        _COPIED, {"clean_scratch": first(1, StorageFailed("The folder is busy."))}, cancel_at="clean_scratch"
    ),
    "ready_imported": Path(
        _COPIED, {"fetch_original": first(2, SourceFailed("The server is away."))}, imported=True, skips_time=True
    ),
    "error_source_not_found": Path(
        _COPIED, {"fetch_original": always(SourceNotFound("There is no such file."))}, imported=True
    ),
    "cancelled_fetch": Path(
        _COPIED, {"fetch_original": hang_with_heartbeats}, cancel_at="fetch_original", imported=True
    ),
    "error_final": Path(_COPIED, {"validate_video": always(InvalidMedia("The file is not a video."))}),
    "error_counted_failures": Path(_ENCODED, {"chunk-1-of-2": always(TranscodeFailed("It crashed."))}, skips_time=True),
    "error_beside_what_runs": Path(
        _ENCODED,
        {"encode_chunk": hang_with_heartbeats, "create_thumbnail": always(InvalidMedia("There is no frame."))},
    ),
    "error_timed_out": Path(_ENCODED, {"validate_video": hang_silently}, most_attempts=2),
    "error_output_mismatch": Path(_COPIED, {"verify_output": always(OutputMismatch("The packets differ."))}),
    "error_not_claimed": Path(_COPIED, {"claim_video": always(StatusConflict("The row has moved on."))}),
    "error_row_gone": Path(_COPIED, {"mark_ready": always(StatusConflict("The row is gone."))}, row_status=None),
    "error_row_ready_after_all": Path(
        _COPIED, {"mark_ready": always(StatusConflict("The answer was lost."))}, row_status=VideoStatus.READY
    ),
    "error_cancelled_while_written": Path(
        _COPIED,
        {
            "validate_video": always(InvalidMedia("The file is not a video.")),
            "mark_error": first(1, StorageFailed("The share is away.")),
        },
        cancel_at="mark_error",
    ),
    "error_ending_not_finished": Path(
        _COPIED,
        {
            name: always(StorageFailed("The share is away."))
            for name in ("publish_files", "mark_error", "withdraw_files", "clean_scratch")
        },
        most_attempts=1,
    ),
    "cancelled_validate": _cancelled("validate_video"),
    "cancelled_transcode": _cancelled("encode_chunk"),
    "cancelled_verify": _cancelled("verify_output"),
    "cancelled_publish": _cancelled("publish_files"),
    "cancelled_mark_ready": _cancelled("mark_ready"),
    "reprocessed": Path(_ENCODED, reprocess=True),
    "reprocess_failed": Path(
        _COPIED, {"publish_edition": always(StorageFailed("The disk is full."))}, most_attempts=1, reprocess=True
    ),
    "reprocess_cancelled": Path(
        _ENCODED, {"encode_chunk": hang_with_heartbeats}, cancel_at="encode_chunk", reprocess=True
    ),
    "reprocess_not_claimed": Path(
        _COPIED, {"claim_reprocessing": always(StatusConflict("It was deleted."))}, reprocess=True
    ),
    "reprocess_served_after_all": Path(
        _COPIED,
        {"mark_reprocessed": always(StatusConflict("The answer was lost."))},
        reprocess=True,
        is_served=True,
    ),
    "deleted": Path(_COPIED, deletes=True),
    "deleted_after_failures": Path(
        _COPIED,
        {
            "stop_run": first(1, RuntimeError("Temporal does not answer.")),
            "remove_files": first(3, StorageFailed("The share is away.")),
            "remove_row": first(1, DatabaseUnavailable("PostgreSQL does not answer.")),
        },
        deletes=True,
        was_terminated=True,
        skips_time=True,
    ),
    "not_deleted": Path(_COPIED, {"stop_run": always(StatusConflict("It is ready."))}, deletes=True),
    "cancelled_while_paused": Path(_ENCODED, {"chunk-1-of-2": always(TranscodeFailed("It crashed."))}, cancel_at=PAUSE),
}


async def walk(client: Client, path: Path | WebhookPath | CohortPath) -> WorkflowHistory:
    """Walk the path to its end and return its history."""
    if isinstance(path, WebhookPath):
        return await walk_webhook(client, path)
    if isinstance(path, CohortPath):
        return await walk_cohort(client, path)
    script = ScriptedActivities(path.plan)
    script.behaviours.update(path.behaviours)
    script.row_status = path.row_status
    script.was_terminated = path.was_terminated
    script.is_served = path.is_served
    interceptors = [Impatient(path.most_attempts)] if path.most_attempts is not None else []
    async with scripted_workers(client, script, interceptors):
        # This handle lets a time-skipping server jump ahead while its result is awaited.
        handle = await (_delete(client) if path.deletes else _process(client, path))
        if path.cancel_at is not None:
            await (paused(handle) if path.cancel_at == PAUSE else script.begun(path.cancel_at))
            await handle.cancel()
        async with asyncio.timeout(60 * _MINUTES_AT_MOST):
            with contextlib.suppress(WorkflowFailureError):
                await handle.result()
        return await handle.fetch_history()


async def _process(client: Client, path: Path) -> Handle:
    request = VideoProcessingInput(
        RECORDED_VIDEO_ID,
        "local",
        original_key=_KEY,
        attempt=2 if path.reprocess else 1,
        reprocess=path.reprocess,
        imported=path.imported,
        hash_is_known=path.hash_is_known,
    )
    return await client.start_workflow(
        VideoProcessingWorkflow.run,
        request,
        id=workflow_id(RECORDED_VIDEO_ID),
        task_queue=CONTROL_QUEUE,
        static_summary="holiday.mp4",
    )


async def _delete(client: Client) -> Handle:
    return await client.start_workflow(
        VideoDeletionWorkflow.run,
        VideoDeletionInput(RECORDED_VIDEO_ID, "local", _KEY),
        id=deletion_workflow_id(RECORDED_VIDEO_ID),
        task_queue=CONTROL_QUEUE,
        static_summary="holiday.mp4 (deleted)",
    )
