"""Rows and runs come back together after an outage."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from temporalio.client import Client

from contracts.status import VideoStatus
from contracts.temporal_names import workflow_id
from database.engine import Database
from database.tables import Video
from database.videos import NewVideo
from runs.client import TemporalRuns
from runs.reconcile import ReconcileReport, processing_input, reconcile
from runs.records import NewestRun
from storage.disk import DiskStorage
from tests.storage.published import publish_something


@pytest.fixture
def storage(tmp_path: Path) -> DiskStorage:
    return DiskStorage(tmp_path / "uploads", tmp_path / "scratch")


@pytest.fixture
def runs(temporal_client: Client) -> TemporalRuns:
    return TemporalRuns(temporal_client)


async def an_upload(database: Database, *, expires_in: timedelta = timedelta(hours=1)) -> UUID:
    video_id = uuid4()
    await database.videos.create_uploading(
        NewVideo(
            id=video_id,
            user_id="local",
            title="Holiday",
            original_filename="holiday.mp4",
            original_key=f"originals/{video_id}.mp4",
            upload_expires_at=datetime.now(UTC) + expires_in,
        )
    )
    return video_id


async def a_settled_row(database: Database) -> Video:
    """A row in ``processing`` that nobody has touched for a minute."""
    video_id = await an_upload(database)
    await database.videos.finish_upload(video_id, title=None, file_size_bytes=1, content_sha256="0" * 64)
    async with database.transaction() as session:
        await session.execute(text("UPDATE videos SET updated_at = now() - interval '1 minute'"))
    return await the_row(database, video_id)


async def the_row(database: Database, video_id: UUID) -> Video:
    video = await database.videos.get(video_id)
    assert video is not None
    return video


async def test_a_row_whose_run_was_never_started_gets_one(
    database: Database, runs: TemporalRuns, storage: DiskStorage
) -> None:
    video = await a_settled_row(database)
    assert await reconcile(database.videos, runs, storage) == ReconcileReport(started=1, closed=0, expired=0)
    assert await runs.newest_run(str(video.id)) == NewestRun(attempt=1, is_open=True)
    assert await reconcile(database.videos, runs, storage) == ReconcileReport(started=0, closed=0, expired=0)


async def test_a_row_that_a_request_has_in_hand_is_left_to_it(
    database: Database, runs: TemporalRuns, storage: DiskStorage
) -> None:
    video_id = await an_upload(database)
    await database.videos.finish_upload(video_id, title=None, file_size_bytes=1, content_sha256="0" * 64)
    assert await reconcile(database.videos, runs, storage) == ReconcileReport(started=0, closed=0, expired=0)
    assert await runs.newest_run(str(video_id)) is None


async def test_a_retry_whose_run_was_lost_gets_one(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client
) -> None:
    video = await a_settled_row(database)
    await runs.start(processing_input(video), "holiday.mp4")
    await temporal_client.get_workflow_handle(workflow_id(str(video.id))).terminate()
    async with database.transaction() as session:
        await session.execute(text("UPDATE videos SET attempt = 2"))
    assert (await reconcile(database.videos, runs, storage)).started == 1
    assert await runs.newest_run(str(video.id)) == NewestRun(attempt=2, is_open=True)


async def test_a_row_whose_run_ended_without_writing_it_becomes_an_error(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client
) -> None:
    video = await a_settled_row(database)
    await runs.start(processing_input(video), "holiday.mp4")
    await temporal_client.get_workflow_handle(workflow_id(str(video.id))).terminate()
    assert await reconcile(database.videos, runs, storage) == ReconcileReport(started=0, closed=1, expired=0)
    row = await the_row(database, video.id)
    assert (row.status, row.error_code) == (VideoStatus.ERROR, "processing_lost")


async def cancelled_row(database: Database, video: Video) -> None:
    """The row's cancel was accepted a minute ago, and nobody could tell its run."""
    assert await database.videos.request_cancel(video.id, video.attempt)
    async with database.transaction() as session:
        await session.execute(text("UPDATE videos SET updated_at = now() - interval '1 minute'"))


async def test_a_cancel_that_never_reached_its_run_is_passed_on_as_often_as_it_takes(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client
) -> None:
    video = await a_settled_row(database)
    await runs.start(processing_input(video), "holiday.mp4")
    await cancelled_row(database, video)
    for _ in range(2):
        assert await reconcile(database.videos, runs, storage) == ReconcileReport(0, 0, 0, cancelled=1)
    history = await temporal_client.get_workflow_handle(workflow_id(str(video.id))).fetch_history()
    assert any(event.HasField("workflow_execution_cancel_requested_event_attributes") for event in history.events)
    assert (await the_row(database, video.id)).status == VideoStatus.PROCESSING


@pytest.mark.parametrize("ended_run", [False, True])
async def test_a_cancelled_row_without_an_open_run_ends_as_cancelled(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client, *, ended_run: bool
) -> None:
    video = await a_settled_row(database)
    if ended_run:
        await runs.start(processing_input(video), "holiday.mp4")
        await temporal_client.get_workflow_handle(workflow_id(str(video.id))).terminate()
    await cancelled_row(database, video)
    assert await reconcile(database.videos, runs, storage) == ReconcileReport(started=0, closed=1, expired=0)
    row = await the_row(database, video.id)
    assert (row.status, row.error_code) == (VideoStatus.ERROR, "cancelled")
    run = await runs.newest_run(str(video.id))
    assert run is None or not run.is_open


async def test_what_a_lost_run_had_published_is_withdrawn(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client, tmp_path: Path
) -> None:
    video = await a_settled_row(database)
    await runs.start(processing_input(video), "holiday.mp4")
    await temporal_client.get_workflow_handle(workflow_id(str(video.id))).terminate()
    await publish_something(storage, str(video.id))
    assert (await reconcile(database.videos, runs, storage)).closed == 1
    assert [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()] == []


async def test_published_files_that_can_not_be_withdrawn_do_not_hold_up_other_rows(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client, tmp_path: Path
) -> None:
    for _ in range(2):
        video = await a_settled_row(database)
        await runs.start(processing_input(video), "holiday.mp4")
        await temporal_client.get_workflow_handle(workflow_id(str(video.id))).terminate()
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    (uploads / "processed").write_bytes(b"not a folder")
    assert (await reconcile(database.videos, runs, storage)).closed == 2


async def test_a_row_whose_last_run_stays_open_does_not_hold_up_the_others(
    database: Database, runs: TemporalRuns, storage: DiskStorage
) -> None:
    first, second = await a_settled_row(database), await a_settled_row(database)
    await runs.start(processing_input(first), "holiday.mp4")
    async with database.transaction() as session:
        await session.execute(text("UPDATE videos SET attempt = 2 WHERE id = :id"), {"id": first.id})
    assert await reconcile(database.videos, runs, storage) == ReconcileReport(started=1, closed=0, expired=0)
    assert await runs.newest_run(str(second.id)) == NewestRun(attempt=1, is_open=True)


async def test_rows_beyond_the_first_batch_are_looked_at(
    database: Database, runs: TemporalRuns, storage: DiskStorage
) -> None:
    lost = [await a_settled_row(database) for _ in range(3)]
    assert await reconcile(database.videos, runs, storage, batch=2) == ReconcileReport(3, 0, 0)
    for video in lost:
        assert await runs.newest_run(str(video.id)) == NewestRun(attempt=1, is_open=True)


async def test_an_upload_that_was_never_finished_is_closed_and_its_part_removed(
    database: Database, runs: TemporalRuns, storage: DiskStorage, tmp_path: Path
) -> None:
    video_id = await an_upload(database, expires_in=timedelta(seconds=-1))
    writer = await storage.create_original(f"originals/{video_id}.mp4")
    await writer.write(b"half a vid")
    assert await reconcile(database.videos, runs, storage) == ReconcileReport(started=0, closed=0, expired=1)
    row = await the_row(database, video_id)
    assert (row.status, row.error_code) == (VideoStatus.ERROR, "upload_interrupted")
    assert list((tmp_path / "uploads" / "originals").iterdir()) == []
    await writer.discard()
