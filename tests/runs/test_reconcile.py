"""Rows and runs come back together after an outage."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from temporalio.client import Client

from contracts.errors import StorageFailed
from contracts.processing import VideoProcessingInput
from contracts.status import VideoStatus
from contracts.storage_keys import processed_key
from contracts.temporal_names import workflow_id
from database.engine import Database
from database.records import NewVideo
from database.tables import Video
from runs.client import TemporalRuns
from runs.reconcile import Reconciler, ReconcileReport, processing_input
from runs.records import NewestRun, TemporalRefuses, TemporalUnavailable
from storage.disk import DiskStorage
from tests.database.samples import PUBLISHED, let_go, video_in
from tests.storage.published import publish_something


@pytest.fixture
def storage(tmp_path: Path) -> DiskStorage:
    return DiskStorage(tmp_path / "uploads", tmp_path / "scratch")


async def one_pass(database: Database, runs: TemporalRuns, storage: DiskStorage) -> ReconcileReport:
    return await Reconciler(database, runs, storage).run()


async def an_upload(database: Database, *, expires_in: timedelta = timedelta(hours=1)) -> UUID:
    video_id = uuid4()
    await database.videos.create_uploading(
        NewVideo(
            id=video_id,
            user_id="local",
            title="Holiday",
            original_filename="holiday.mp4",
            original_key=f"originals/{video_id}.mp4",
            upload_expires_seconds=expires_in.total_seconds(),
        )
    )
    return video_id


async def a_settled_row(database: Database) -> Video:
    """A row in ``processing`` that nobody has touched for a minute."""
    video_id = await an_upload(database)
    await database.videos.finish_upload(video_id, file_size_bytes=1, content_sha256="0" * 64)
    await let_go(database)
    return await the_row(database, video_id)


async def the_row(database: Database, video_id: UUID) -> Video:
    video = await database.videos.get(video_id)
    assert video is not None
    return video


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
    video = await a_settled_row(database)
    await runs.start(processing_input(video), "holiday.mp4")
    await temporal_client.get_workflow_handle(workflow_id(str(video.id))).terminate()
    async with database.transaction() as session:
        await session.execute(text("UPDATE videos SET attempt = 2"))
    assert (await one_pass(database, runs, storage)).started == 1
    assert await runs.newest_run(str(video.id)) == NewestRun(attempt=2, is_open=True)


async def test_a_row_whose_run_ended_without_writing_it_becomes_an_error(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client
) -> None:
    video = await a_settled_row(database)
    await runs.start(processing_input(video), "holiday.mp4")
    await temporal_client.get_workflow_handle(workflow_id(str(video.id))).terminate()
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
    video = await a_settled_row(database)
    if ended_run:
        await runs.start(processing_input(video), "holiday.mp4")
        await temporal_client.get_workflow_handle(workflow_id(str(video.id))).terminate()
    await cancelled_row(database, video)
    assert await one_pass(database, runs, storage) == ReconcileReport(started=0, closed=1, expired=0)
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
    assert (await one_pass(database, runs, storage)).closed == 1
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
    assert (await one_pass(database, runs, storage)).closed == 2


async def test_a_row_whose_last_run_stays_open_does_not_hold_up_the_others(
    database: Database, runs: TemporalRuns, storage: DiskStorage
) -> None:
    first, second = await a_settled_row(database), await a_settled_row(database)
    await runs.start(processing_input(first), "holiday.mp4")
    async with database.transaction() as session:
        await session.execute(text("UPDATE videos SET attempt = 2 WHERE id = :id"), {"id": first.id})
    assert await one_pass(database, runs, storage) == ReconcileReport(started=1, closed=0, expired=0)
    assert await runs.newest_run(str(second.id)) == NewestRun(attempt=1, is_open=True)


async def test_a_pass_looks_at_so_many_rows_and_the_next_one_at_those_behind(
    database: Database, runs: TemporalRuns, storage: DiskStorage
) -> None:
    lost = [await a_settled_row(database) for _ in range(3)]
    reconciler = Reconciler(database, runs, storage, most_looks=2)
    assert [(await reconciler.run()).started for _ in range(3)] == [2, 1, 0]
    for video in lost:
        assert await runs.newest_run(str(video.id)) == NewestRun(attempt=1, is_open=True)


async def a_reprocessing(database: Database) -> Video:
    """A ready row that was asked to be made anew some time ago."""
    video = await video_in(database.videos, VideoStatus.READY)
    await database.reprocessings.begin(video.id, "mobile", counts=False)
    await let_go(database)
    return await the_row(database, video.id)


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


class CountsLooks(TemporalRuns):
    """Counts what is asked about runs; of some videos it fails to tell."""

    looks = 0
    broken: frozenset[str] = frozenset()

    async def newest_run(self, video_id: str) -> NewestRun | None:
        self.looks += 1
        if video_id in self.broken:
            raise ValueError("a memo that can't be read")
        return await super().newest_run(video_id)


async def test_a_row_that_can_not_be_mended_holds_up_no_other(
    database: Database, temporal_client: Client, storage: DiskStorage
) -> None:
    bad, good = await a_settled_row(database), await a_settled_row(database)
    runs = CountsLooks(temporal_client)
    runs.broken = frozenset({str(bad.id)})
    assert await one_pass(database, runs, storage) == ReconcileReport(started=1, failed=1)
    assert await runs.newest_run(str(good.id)) == NewestRun(attempt=1, is_open=True)


@pytest.mark.parametrize(
    "error",
    [TemporalRefuses("Not this one.", to_everything=False), TemporalUnavailable("Nothing is known of it.")],
)
async def test_rows_that_temporal_refuses_or_does_not_answer_about_hold_up_no_other(
    database: Database, temporal_client: Client, storage: DiskStorage, error: TemporalUnavailable
) -> None:
    class Refusing(TemporalRuns):
        async def start(self, request: VideoProcessingInput, label: str) -> None:
            if request.video_id != str(good.id):
                raise error
            await super().start(request, label)

    good, *_ = sorted([await a_settled_row(database) for _ in range(12)], key=lambda video: video.id, reverse=True)
    runs = Refusing(temporal_client)
    assert await one_pass(database, runs, storage) == ReconcileReport(started=1, failed=11)
    assert await runs.newest_run(str(good.id)) == NewestRun(attempt=1, is_open=True)
    assert await one_pass(database, runs, storage) == ReconcileReport(), "not at every pass"


async def test_former_files_that_go_slowly_hold_up_no_others(
    database_url: str, runs: TemporalRuns, storage: DiskStorage, tmp_path: Path
) -> None:
    class Slow(DiskStorage):
        async def delete(self, key: str) -> None:
            if str(slow.id) in key:
                await asyncio.sleep(60)
            await super().delete(key)

    database = Database(database_url, pool_size=2, transaction_seconds=1)
    slow, other = [await a_reprocessing(database) for _ in range(2)]
    for video in (slow, other):
        await publish_something(storage, str(video.id))
        await database.reprocessings.finish(video.id, 2, PUBLISHED, keep=timedelta(0))
    assert await one_pass(database, runs, Slow(tmp_path / "uploads", tmp_path / "scratch")) == ReconcileReport(
        former=1, failed=1
    )
    assert await one_pass(database, runs, storage) == ReconcileReport(), "not at every pass"
    await database.dispose()


async def test_an_original_that_can_not_be_deleted_holds_up_no_run(
    database: Database, runs: TemporalRuns, tmp_path: Path
) -> None:
    class ReadOnly(DiskStorage):
        async def delete(self, key: str) -> None:
            raise StorageFailed(f"{key} can't be removed.")

    expired, lost = await an_upload(database, expires_in=timedelta(seconds=-1)), await a_settled_row(database)
    read_only = ReadOnly(tmp_path / "uploads", tmp_path / "scratch")
    await (await read_only.create_original(f"originals/{expired}.mp4")).close()
    assert await one_pass(database, runs, read_only) == ReconcileReport(started=1, expired=1)
    assert (await the_row(database, expired)).error_code == "upload_interrupted"
    assert await runs.newest_run(str(lost.id)) == NewestRun(attempt=1, is_open=True)


async def test_an_open_run_is_not_asked_about_at_every_pass(
    database: Database, temporal_client: Client, storage: DiskStorage
) -> None:
    await a_settled_row(database)
    runs = CountsLooks(temporal_client)
    await one_pass(database, runs, storage)
    asked = runs.looks
    assert asked
    for _ in range(5):
        await one_pass(database, runs, storage)
    assert runs.looks == asked


async def test_a_hundred_thousand_rows_in_processing_cost_a_bounded_number_of_questions(
    database: Database, temporal_client: Client, storage: DiskStorage
) -> None:
    await a_settled_row(database)
    async with database.transaction() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))  # no events of them
        columns = "user_id, title, status, file_size_bytes, original_filename, original_key, attempt, created_at"
        await session.execute(
            text(
                f"INSERT INTO videos (id, updated_at, {columns}) "  # noqa: S608 # constants
                f"SELECT gen_random_uuid(), now() - interval '1 hour', {columns} FROM videos, generate_series(1, 99999)"
            )
        )
    runs = CountsLooks(temporal_client)
    await Reconciler(database, runs, storage, most_looks=20).run()
    assert runs.looks == 20


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
