"""Rows that are put back beside a Temporal that has gone on: what was on its way in them is begun anew."""

from pathlib import Path
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from contracts.processing import VideoProcessingInput
from contracts.status import VideoStatus
from contracts.storage_keys import processed_key
from contracts.temporal_names import ATTEMPT_MEMO, VIDEO_PROCESSING_WORKFLOW, workflow_id
from database.engine import Database
from database.tables import Video
from runs.client import TemporalRuns
from runs.reconcile import Reconciler, ReconcileReport, processing_input
from runs.records import NewestRun
from storage.disk import DiskStorage
from tests.database.samples import let_go, video_in
from tests.storage.published import publish_something


@pytest.fixture
def storage(tmp_path: Path) -> DiskStorage:
    return DiskStorage(tmp_path / "uploads", tmp_path / "scratch")


@workflow.defn(name=VIDEO_PROCESSING_WORKFLOW)
class Completes:
    """What a run is in the eyes of Temporal once the row has become ready by it."""

    @workflow.run
    async def run(self, _: VideoProcessingInput) -> None:
        return


async def completed_run(client: Client, video: Video, *, attempt: int) -> None:
    """A run that has ended well, in rows that are there no more."""
    queue = str(uuid4())
    async with Worker(client, task_queue=queue, workflows=[Completes], workflow_runner=UnsandboxedWorkflowRunner()):
        await client.execute_workflow(
            Completes.run,
            processing_input(video),
            id=workflow_id(str(video.id)),
            task_queue=queue,
            memo={ATTEMPT_MEMO: attempt},
        )


async def row_of(database: Database, video: Video) -> Video:
    row = await database.videos.get(video.id)
    assert row is not None
    return row


@pytest.mark.parametrize("attempt", [1, 3])
async def test_a_row_in_processing_whose_run_has_completed_is_begun_anew_and_what_is_published_stays(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client, attempt: int
) -> None:
    video = await video_in(database.videos, VideoStatus.PROCESSING)
    await completed_run(temporal_client, video, attempt=attempt)
    await publish_something(storage, str(video.id))
    await let_go(database)
    assert await Reconciler(database, runs, storage).run() == ReconcileReport(started=1)
    row = await row_of(database, video)
    assert (row.status, row.attempt) == (VideoStatus.PROCESSING, attempt + 1)
    assert await runs.newest_run(str(video.id)) == NewestRun(attempt=attempt + 1, is_open=True)
    assert await storage.size(processed_key(str(video.id), "video.mp4")) is not None
    await let_go(database)
    assert await Reconciler(database, runs, storage).run() == ReconcileReport(), "once"


async def test_a_video_that_is_made_anew_in_its_row_and_was_in_its_run_is_made_anew_once_more(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client
) -> None:
    video = await video_in(database.videos, VideoStatus.READY)
    video = await database.reprocessings.begin(video.id, "mobile", counts=False)
    await completed_run(temporal_client, video, attempt=2)
    for edition in (0, 2):
        await publish_something(storage, str(video.id), edition=edition)
    await let_go(database)
    assert await Reconciler(database, runs, storage).run() == ReconcileReport(started=1)
    row = await row_of(database, video)
    assert (row.status, row.attempt, row.is_reprocessing) == (VideoStatus.READY, 3, True)
    assert await storage.size(processed_key(str(video.id), "video.mp4", 2)) is not None
    await database.reprocessings.claim(video.id, 3)


async def test_a_row_that_was_to_be_cancelled_is_not_begun_anew(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client
) -> None:
    video = await video_in(database.videos, VideoStatus.PROCESSING)
    await completed_run(temporal_client, video, attempt=1)
    assert await database.videos.request_cancel(video.id, 1)
    await let_go(database)
    assert await Reconciler(database, runs, storage).run() == ReconcileReport(closed=1)
    assert (await row_of(database, video)).error_code == "cancelled"
