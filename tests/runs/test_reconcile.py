"""Rows and runs come back together after an outage."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from temporalio.client import Client

from contracts.errors import StorageFailed
from contracts.status import VideoStatus
from contracts.storage_keys import processed_key
from contracts.temporal_names import workflow_id
from database.engine import Database
from database.tables import Video
from runs.client import TemporalRuns
from runs.reconcile import ReconcileReport, processing_input
from runs.records import NewestRun
from storage.disk import DiskStorage
from tests.database.samples import PUBLISHED, let_go
from tests.runs.settled_rows import a_lost_row, a_reprocessing, a_settled_row, an_upload, one_pass, the_row
from tests.storage.published import publish_something


@pytest.fixture
def storage(tmp_path: Path) -> DiskStorage:
    return DiskStorage(tmp_path / "uploads", tmp_path / "scratch")


async def test_a_row_whose_run_was_never_started_gets_one(
    database: Database, runs: TemporalRuns, storage: DiskStorage
) -> None:
    video = await a_settled_row(database)
    assert await one_pass(database, runs, storage) == ReconcileReport(started=1, closed=0, expired=0)
    assert await runs.newest_run(str(video.id)) == NewestRun(attempt=1, is_open=True)
    assert await one_pass(database, runs, storage) == ReconcileReport(started=0, closed=0, expired=0)


async def test_a_row_that_a_request_has_in_hand_is_left_to_it(
    database: Database, runs: TemporalRuns, storage: DiskStorage
) -> None:
    video_id = await an_upload(database)
    await database.videos.finish_upload(video_id, file_size_bytes=1, content_sha256="0" * 64)
    assert await one_pass(database, runs, storage) == ReconcileReport(started=0, closed=0, expired=0)
    assert await runs.newest_run(str(video_id)) is None


async def test_what_a_request_wrote_on_of_a_cancelled_upload_goes_a_minute_later_also_past_a_disk_that_refused(
    database: Database, runs: TemporalRuns, storage: DiskStorage, tmp_path: Path
) -> None:
    class Refusing(DiskStorage):
        async def delete(self, key: str) -> None:
            raise StorageFailed(f"{key} can't be removed.")

    refusing = Refusing(tmp_path / "uploads", tmp_path / "scratch")
    video_id = await an_upload(database)
    key = f"originals/{video_id}.mp4"
    assert await database.videos.cancel_unstarted(video_id, 1)
    writer = await storage.create_original(key)  # of a request that has not learned of it yet
    await writer.write(b"x")
    await writer.commit()
    assert (await one_pass(database, runs, storage)).leavings == 0, "it may still write"
    due = "UPDATE videos SET next_look_at = now() WHERE next_look_at IS NOT NULL"
    async with database.transaction() as session:
        await session.execute(text(due))

    assert (await one_pass(database, runs, refusing)).leavings == 0
    assert await storage.size(key) == 1
    async with database.transaction() as session:
        await session.execute(text(due))
    assert [(await one_pass(database, runs, storage)).leavings for _ in range(2)] == [1, 0]
    assert await storage.size(key) is None


async def test_a_retry_whose_run_was_lost_gets_one(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client
) -> None:
    video = await a_lost_row(database, runs, temporal_client)
    async with database.transaction() as session:
        await session.execute(text("UPDATE videos SET attempt = 2"))
    assert (await one_pass(database, runs, storage)).started == 1
    assert await runs.newest_run(str(video.id)) == NewestRun(attempt=2, is_open=True)


async def test_a_row_whose_run_ended_without_writing_it_becomes_an_error(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client
) -> None:
    video = await a_lost_row(database, runs, temporal_client)
    assert await one_pass(database, runs, storage) == ReconcileReport(started=0, closed=1, expired=0)
    row = await the_row(database, video.id)
    assert (row.status, row.error_code) == (VideoStatus.ERROR, "processing_lost")


async def cancelled_row(database: Database, video: Video) -> None:
    """The row's cancel was accepted a minute ago, and nobody could tell its run."""
    assert await database.videos.request_cancel(video.id, video.attempt)
    await let_go(database)


async def test_a_cancel_that_never_reached_its_run_is_passed_on_as_often_as_it_takes(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client
) -> None:
    video = await a_settled_row(database)
    await runs.start(processing_input(video), "holiday.mp4")
    await cancelled_row(database, video)
    for _ in range(2):
        assert await one_pass(database, runs, storage) == ReconcileReport(0, 0, 0, cancelled=1)
        await let_go(database)
    history = await temporal_client.get_workflow_handle(workflow_id(str(video.id))).fetch_history()
    assert any(event.HasField("workflow_execution_cancel_requested_event_attributes") for event in history.events)
    assert (await the_row(database, video.id)).status == VideoStatus.PROCESSING


@pytest.mark.parametrize("ended_run", [False, True])
async def test_a_cancelled_row_without_an_open_run_ends_as_cancelled(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client, *, ended_run: bool
) -> None:
    video = await (a_lost_row(database, runs, temporal_client) if ended_run else a_settled_row(database))
    await cancelled_row(database, video)
    assert await one_pass(database, runs, storage) == ReconcileReport(started=0, closed=1, expired=0)
    row = await the_row(database, video.id)
    assert (row.status, row.error_code) == (VideoStatus.ERROR, "cancelled")
    run = await runs.newest_run(str(video.id))
    assert run is None or not run.is_open


async def test_what_a_lost_run_had_published_is_withdrawn(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client, tmp_path: Path
) -> None:
    video = await a_lost_row(database, runs, temporal_client)
    await publish_something(storage, str(video.id))
    assert (await one_pass(database, runs, storage)).closed == 1
    assert [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()] == []


async def test_a_video_that_is_to_be_made_anew_gets_its_run_and_one_whose_run_is_lost_is_told_why(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client
) -> None:
    video = await a_reprocessing(database)
    await publish_something(storage, str(video.id))
    assert await one_pass(database, runs, storage) == ReconcileReport(started=1)
    assert await runs.newest_run(str(video.id)) == NewestRun(attempt=2, is_open=True)
    await temporal_client.get_workflow_handle(workflow_id(str(video.id))).terminate()
    await publish_something(storage, str(video.id), b"made anew", edition=2)
    await let_go(database)
    assert await one_pass(database, runs, storage) == ReconcileReport(closed=1)
    row = await the_row(database, video.id)
    assert (row.status, row.reprocess_error_code) == (VideoStatus.READY, "processing_lost")
    assert await storage.size(processed_key(str(video.id), "video.mp4")) is not None
    assert await storage.size(processed_key(str(video.id), "video.mp4", 2)) is None


async def test_a_cancel_of_what_is_made_anew_is_told_to_its_run(
    database: Database, runs: TemporalRuns, storage: DiskStorage
) -> None:
    video = await a_reprocessing(database)
    await runs.start(processing_input(video), "holiday.mp4")
    assert await database.reprocessings.request_cancel(video.id, 2)
    await let_go(database)
    assert await one_pass(database, runs, storage) == ReconcileReport(cancelled=1)


async def test_former_files_go_when_their_time_is_over_and_are_tried_again_where_the_disk_holds_them_fast(
    database: Database, runs: TemporalRuns, storage: DiskStorage, tmp_path: Path
) -> None:
    class Stuck(DiskStorage):
        async def delete(self, key: str) -> None:
            raise StorageFailed(f"{key} can't be removed.")

    video = await a_reprocessing(database)
    for edition in (0, 2):
        await publish_something(storage, str(video.id), edition=edition)
    await database.reprocessings.finish(video.id, 2, PUBLISHED, keep=timedelta(0))
    stuck = Stuck(tmp_path / "uploads", tmp_path / "scratch")
    assert await one_pass(database, runs, stuck) == ReconcileReport(failed=1)
    assert await one_pass(database, runs, storage) == ReconcileReport(), "not at every pass"
    async with database.transaction() as session:
        await session.execute(text("UPDATE former_editions SET remove_after = now()"))
    assert await one_pass(database, runs, storage) == ReconcileReport(former=1)
    assert await storage.size(processed_key(str(video.id), "video.mp4")) is None
    assert await storage.size(processed_key(str(video.id), "video.mp4", 2)) is not None
    assert await one_pass(database, runs, storage) == ReconcileReport()


async def test_an_upload_that_was_never_finished_is_closed_and_its_part_removed(
    database: Database, runs: TemporalRuns, storage: DiskStorage, tmp_path: Path
) -> None:
    video_id = await an_upload(database, expires_in=timedelta(seconds=-1))
    writer = await storage.create_original(f"originals/{video_id}.mp4")
    await writer.write(b"half a vid")
    assert await one_pass(database, runs, storage) == ReconcileReport(started=0, closed=0, expired=1)
    row = await the_row(database, video_id)
    assert (row.status, row.error_code) == (VideoStatus.ERROR, "upload_interrupted")
    assert list((tmp_path / "uploads" / "originals").iterdir()) == []
    await writer.discard()
