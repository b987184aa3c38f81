"""None of the rows that are looked after holds up another, and many of them cost no more than a few."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from temporalio.client import Client

from contracts.errors import StorageFailed
from contracts.processing import VideoProcessingInput
from database.engine import Database
from runs.client import TemporalRuns
from runs.reconcile import Reconciler, ReconcileReport, processing_input
from runs.records import NewestRun, TemporalRefuses, TemporalUnavailable
from storage.disk import DiskStorage
from tests.database.samples import PUBLISHED
from tests.runs.settled_rows import a_lost_row, a_reprocessing, a_settled_row, an_upload, one_pass, the_row
from tests.storage.published import publish_something


@pytest.fixture
def storage(tmp_path: Path) -> DiskStorage:
    return DiskStorage(tmp_path / "uploads", tmp_path / "scratch")


class CountsLooks(TemporalRuns):
    """Counts what is asked about runs; of some videos it fails to tell."""

    looks = 0
    broken: frozenset[str] = frozenset()

    async def newest_run(self, video_id: str) -> NewestRun | None:
        self.looks += 1
        if video_id in self.broken:
            raise ValueError("a memo that can't be read")
        return await super().newest_run(video_id)


async def test_published_files_that_can_not_be_withdrawn_do_not_hold_up_other_rows(
    database: Database, runs: TemporalRuns, storage: DiskStorage, temporal_client: Client, tmp_path: Path
) -> None:
    for _ in range(2):
        await a_lost_row(database, runs, temporal_client)
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


async def test_a_pass_looks_at_so_many_rows_and_the_next_one_at_those_behind(
    database: Database, runs: TemporalRuns, storage: DiskStorage
) -> None:
    lost = [await a_settled_row(database) for _ in range(3)]
    reconciler = Reconciler(database, runs, storage, most_looks=2)
    assert [(await reconciler.run()).started for _ in range(3)] == [2, 1, 0]
    for video in lost:
        assert await runs.newest_run(str(video.id)) == NewestRun(attempt=1, is_open=True)


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
    database_url: str, temporal_client: Client, storage: DiskStorage
) -> None:
    database = Database(database_url, pool_size=2, transaction_seconds=100)  # a busy machine makes the rows in a minute
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
    await database.dispose()
