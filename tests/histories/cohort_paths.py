"""The paths of a cohort."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Final

from temporalio import activity
from temporalio.client import Client, WorkflowFailureError, WorkflowHistory
from temporalio.worker import Worker

from activities.reprocess_videos import ReprocessVideosInput
from activities.retry_videos import RetryVideosInput, RetryVideosResult
from contracts.cohorts import CohortInput, FailedVideos, ReadyVideos, Reprocessing, cohort_workflow_id
from contracts.temporal_names import CONTROL_QUEUE
from workflows.video_cohort import VideoCohortWorkflow

_COHORT_ID: Final = "0" * 16
_A_MOMENT: Final = "2026-03-01T09:30:00+00:00"
_FAILED: Final = FailedVideos("storage_failed", _A_MOMENT, _A_MOMENT)
_READY: Final = Reprocessing(ReadyVideos(_A_MOMENT, metadata={"order": "4711"}), "web", counts=False)


@dataclass(frozen=True)
class CohortPath:
    """One way through ``VideoCohortWorkflow``.

    Attributes:
        cohort: What starts it.
        is_held: Whether it begins paused, and is let go.
        is_cancelled: Whether it is ended before it is done.
        skips_time: Whether it waits for long.
    """

    cohort: CohortInput
    is_held: bool = False
    is_cancelled: bool = False
    skips_time: bool = False


COHORT_PATHS: Final = {
    "cohort_retried": CohortPath(CohortInput(_FAILED, 3, 6000, is_paused=True), is_held=True),
    "cohort_cancelled": CohortPath(CohortInput(_FAILED, 3, 1), is_cancelled=True),
    "cohort_reprocessed": CohortPath(CohortInput(None, 3, 6000, reprocessing=_READY)),
}


async def walk_cohort(client: Client, path: CohortPath) -> WorkflowHistory:
    """Walk the path to its end and return its history."""
    begun = asyncio.Event()

    def next_ones(after: str | None) -> RetryVideosResult:
        begun.set()
        return RetryVideosResult(2, 1, "7") if after is None else RetryVideosResult(0, 0, None)

    @activity.defn
    async def retry_videos(request: RetryVideosInput) -> RetryVideosResult:
        return next_ones(request.after)

    @activity.defn
    async def reprocess_videos(request: ReprocessVideosInput) -> RetryVideosResult:
        return next_ones(request.after)

    async with Worker(
        client,
        task_queue=CONTROL_QUEUE,
        identity=CONTROL_QUEUE,
        workflows=[VideoCohortWorkflow],
        activities=[retry_videos, reprocess_videos],
    ):
        handle = await client.start_workflow(
            VideoCohortWorkflow.run, path.cohort, id=cohort_workflow_id(_COHORT_ID), task_queue=CONTROL_QUEUE
        )
        if path.is_held:
            await handle.signal(VideoCohortWorkflow.resume)
        if path.is_cancelled:
            await begun.wait()
            await handle.cancel()
        with contextlib.suppress(WorkflowFailureError):
            await handle.result()
        return await handle.fetch_history()
