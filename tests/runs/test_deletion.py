"""Wherever a delete dies, it goes on: in the end there is neither row nor file, and nothing else is touched."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.worker import Worker

from activities.error_types import ErrorTypeInterceptor
from activities.remove_video import RemoveVideoActivities
from activities.stop_run import StopRunActivities
from contracts.refusals import Refused
from contracts.status import SEEN_STATUSES, VideoStatus
from contracts.temporal_names import CONTROL_QUEUE, deletion_workflow_id
from database.engine import Database
from runs.actions import VideoActions
from runs.client import TemporalRuns
from runs.reconcile import Reconciler, ReconcileReport, deletion_input
from storage.disk import DiskStorage
from tests.api.rows import make_video
from tests.database.samples import let_go
from tests.waiting import eventually
from workflows.video_deletion import VideoDeletionWorkflow


@pytest.fixture
def storage(tmp_path: Path) -> DiskStorage:
    return DiskStorage(tmp_path / "uploads", tmp_path / "scratch")


@pytest.fixture
def actions(database: Database, storage: DiskStorage, runs: TemporalRuns) -> VideoActions:
    return VideoActions(database.videos, database.deletions, database.reprocessings, storage, runs)


@asynccontextmanager
async def working(client: Client, database: Database, storage: DiskStorage) -> AsyncIterator[None]:
    """A worker of what deletes videos."""
    remove = RemoveVideoActivities(storage, database.deletions)
    stop = StopRunActivities(database.deletions, TemporalRuns(client))
    async with Worker(
        client,
        task_queue=CONTROL_QUEUE,
        workflows=[VideoDeletionWorkflow],
        activities=[stop.stop_run, remove.remove_files, remove.remove_row],
        interceptors=[ErrorTypeInterceptor(count_unforeseen=False)],
    ):
        yield


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def is_gone(database: Database, video_id: UUID) -> bool:
    async with database.videos.held(video_id) as row:
        return row is None


@pytest.mark.parametrize("status", SEEN_STATUSES)
async def test_a_deleted_video_leaves_neither_row_nor_file(
    database: Database,
    storage: DiskStorage,
    actions: VideoActions,
    temporal_client: Client,
    tmp_path: Path,
    status: VideoStatus,
) -> None:
    video = await make_video(database, storage, status)
    async with storage.create(f"work/{video.id}/chunk.mp4") as path:
        path.write_bytes(b"a chunk")
    async with working(temporal_client, database, storage):
        await actions.delete(video)
        await eventually(lambda: is_gone(database, video.id), bool)
    assert files_in(tmp_path) == []
    with pytest.raises(Refused, match="There is no video"):
        await actions.delete(video)


async def test_a_deletion_that_was_never_started_is(
    database: Database, storage: DiskStorage, runs: TemporalRuns, temporal_client: Client, tmp_path: Path
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    await database.deletions.begin(video.id)  # and the api dies
    reconciler = Reconciler(database, runs, storage)
    assert await reconciler.run() == ReconcileReport()
    await let_go(database)
    assert await reconciler.run() == ReconcileReport(deletions=1)
    assert await reconciler.run() == ReconcileReport()
    async with working(temporal_client, database, storage):
        await eventually(lambda: is_gone(database, video.id), bool)
    assert files_in(tmp_path) == []


async def test_a_deletion_that_somebody_ended_begins_again(
    database: Database, storage: DiskStorage, runs: TemporalRuns, actions: VideoActions, temporal_client: Client
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    await actions.delete(video)
    assert not await runs.start_deletion(deletion_input(video), "clip.mp4")
    await temporal_client.get_workflow_handle(deletion_workflow_id(str(video.id))).terminate()
    assert await runs.start_deletion(deletion_input(video), "clip.mp4")


async def test_while_storage_fails_the_row_stays_and_then_all_of_it_goes(
    database: Database, storage: DiskStorage, actions: VideoActions, temporal_client: Client, tmp_path: Path
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    uploads, elsewhere = tmp_path / "uploads", tmp_path / "elsewhere"
    originals = uploads / "originals"
    originals.rename(elsewhere)
    originals.write_bytes(b"not a folder")
    handle = temporal_client.get_workflow_handle(deletion_workflow_id(str(video.id)))

    async def failures() -> list[str]:
        pending = (await handle.describe()).raw_description.pending_activities
        return [activity.last_failure.application_failure_info.type for activity in pending]

    async with working(temporal_client, database, storage):
        await actions.delete(video)
        await eventually(failures, lambda types: types == ["storage_failed"])
        assert not await is_gone(database, video.id)
        originals.unlink()
        elsewhere.rename(originals)
        await eventually(lambda: is_gone(database, video.id), bool)
    assert files_in(tmp_path) == []


async def test_a_video_that_nobody_deleted_is_left_alone_whoever_asks(
    database: Database, storage: DiskStorage, runs: TemporalRuns, temporal_client: Client, tmp_path: Path
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    before = files_in(tmp_path)
    async with working(temporal_client, database, storage):
        await runs.start_deletion(deletion_input(video), "clip.mp4")
        with pytest.raises(WorkflowFailureError):
            await temporal_client.get_workflow_handle(deletion_workflow_id(str(video.id))).result()
    assert await database.videos.get(video.id) == video
    assert files_in(tmp_path) == before


async def test_a_deletion_that_was_forged_for_a_video_that_never_was_takes_no_original_of_another(
    database: Database, storage: DiskStorage, runs: TemporalRuns, temporal_client: Client, tmp_path: Path
) -> None:
    video, nobody = await make_video(database, storage, VideoStatus.READY), str(uuid4())
    before = files_in(tmp_path)
    async with working(temporal_client, database, storage):
        await runs.start_deletion(replace(deletion_input(video), video_id=nobody), "clip.mp4")
        with pytest.raises(WorkflowFailureError):
            await temporal_client.get_workflow_handle(deletion_workflow_id(nobody)).result()
    assert files_in(tmp_path) == before
