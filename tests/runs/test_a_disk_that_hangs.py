"""A disk that hangs in a thread, which nothing can stop, holds up no run, no other row, and nobody who only asks."""

import asyncio
import os
import shutil
import threading
from collections.abc import Coroutine, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest
from sqlalchemy import text
from temporalio.client import Client

from contracts.errors import StorageFailed
from contracts.storage_keys import processed_key
from database.engine import Database
from runs.actions import VideoActions
from runs.client import TemporalRuns
from runs.ownership import Ownership
from runs.reconcile import Reconciler, ReconcileReport
from runs.records import NewestRun
from storage import placing
from storage.disk import DiskStorage
from storage.marking import OWNER
from telemetry.standing import Standing
from tests.api.running import RecordedRuns
from tests.runs.settled_rows import a_lost_row, a_settled_row, an_upload, the_row
from tests.waiting import eventually
from threads.files import off_loop
from threads.questions import Questions

Result = TypeVar("Result")


async def over(work: Coroutine[Any, Any, Result]) -> Result:
    """What comes of the work, which is not to wait for the disk."""
    task = asyncio.create_task(work)
    done, _ = await asyncio.wait({task}, timeout=20)
    assert done, "it waits for the disk"
    return task.result()


class Hangs(DiskStorage):
    """What is deleted of some videos waits in its thread until the disk is mended."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "uploads", folder / "scratch")
        self.mended = threading.Event()
        self.hangs_at: set[UUID] = set()
        self.began: list[str] = []

    async def delete(self, key: str) -> None:
        await self._wait(key)
        await super().delete(key)

    async def delete_folder(self, prefix: str) -> None:
        await self._wait(prefix)
        await super().delete_folder(prefix)

    async def _wait(self, key: str) -> None:
        if any(str(video_id) in key for video_id in self.hangs_at):
            self.began.append(key)
            await off_loop(self.mended.wait)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Hangs]:
    (tmp_path / "uploads" / "originals").mkdir(parents=True)
    storage = Hangs(tmp_path)
    yield storage
    storage.mended.set()


async def all_over(reconciler: Reconciler) -> None:
    """What was left to itself has ended: it may hold a connection."""
    await eventually(lambda: asyncio.sleep(0, [*reconciler._hanging._works]), lambda works: not works)


async def cancelled(database: Database) -> UUID:
    """An upload of which bytes may be left."""
    video_id = await an_upload(database)
    assert await database.videos.cancel_unstarted(video_id, 1)
    await make_due(database, video_id)
    return video_id


async def make_due(database: Database, video_id: UUID) -> None:
    async with database.transaction() as session:
        due = "UPDATE videos SET next_look_at = now() - interval '1 minute' WHERE id = :id"
        await session.execute(text(due), {"id": video_id})


async def test_a_row_whose_files_hang_holds_up_no_other_and_is_not_begun_again_beside_itself(
    database: Database, runs: TemporalRuns, storage: Hangs
) -> None:
    hanging = await cancelled(database)
    storage.hangs_at = {hanging}
    reconciler = Reconciler(database, runs, storage, row_seconds=2)
    await cancelled(database)
    assert await over(reconciler.run()) == ReconcileReport(leavings=1, failed=1)
    lost = await a_settled_row(database)
    await make_due(database, hanging)
    await cancelled(database)
    assert await over(reconciler.run()) == ReconcileReport(started=1, leavings=1)
    assert await runs.newest_run(str(lost.id)) == NewestRun(attempt=1, is_open=True)
    assert len(storage.began) == 1
    storage.mended.set()
    await eventually(reconciler.run, lambda report: report == ReconcileReport(leavings=1))


async def test_runs_are_mended_in_every_pass_while_no_file_can_be_removed(
    database: Database, runs: TemporalRuns, storage: Hangs, temporal_client: Client
) -> None:
    ended = await a_lost_row(database, runs, temporal_client)
    left = [await cancelled(database) for _ in range(4)]
    storage.hangs_at = {ended.id, *left}
    reconciler = Reconciler(database, runs, storage, row_seconds=1)
    reports = []
    for _ in range(3):
        lost = await a_settled_row(database)
        reports.append(await over(reconciler.run()))
        assert await runs.newest_run(str(lost.id)) == NewestRun(attempt=1, is_open=True)
    assert reports == [ReconcileReport(started=1, closed=1, failed=2), *[ReconcileReport(started=1)] * 2]
    assert len(storage.began) == 2, "no more of what would hang as well"
    storage.mended.set()
    await all_over(reconciler)


async def test_what_could_not_be_withdrawn_in_time_is_left_alone_when_the_disk_is_back(
    database: Database, runs: TemporalRuns, storage: Hangs, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = await a_lost_row(database, runs, temporal_client)
    published = storage._uploads / processed_key(str(lost.id), "video.mp4")
    published.parent.mkdir(parents=True)
    published.touch()
    remove = placing.remove_folder

    def hang(folder: Path, *rest: Any) -> None:
        storage.mended.wait()
        remove(folder, *rest)

    monkeypatch.setattr(placing, "remove_folder", hang)
    reconciler = Reconciler(database, runs, storage, row_seconds=0.5)
    assert await over(reconciler.run()) == ReconcileReport(closed=1, failed=1)
    storage.mended.set()
    await all_over(reconciler)
    assert published.exists(), "by now another run may have published it"


async def test_runs_are_mended_in_every_pass_while_a_disk_says_of_no_file_whether_it_is_there(
    database: Database, runs: TemporalRuns, storage: Hangs, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def size_of(path: Path) -> int | None:
        asked.append(path)
        storage.mended.wait()
        return None

    monkeypatch.setattr(placing, "size_of", size_of)
    reconciler = Reconciler(database, runs, storage, row_seconds=0.2)
    for _ in range(6):
        lost = await a_settled_row(database)
        for _ in range(2):
            await an_upload(database, expires_in=timedelta(seconds=-1))
        assert (await over(reconciler.run())).started == 1
        assert await runs.newest_run(str(lost.id)) == NewestRun(attempt=1, is_open=True)
    assert len(asked) == 4, "each question that is not answered holds a thread"


async def test_a_pass_waits_for_nothing_where_viewers_take_every_turn_at_a_disk_that_hangs(
    database: Database, runs: TemporalRuns, storage: Hangs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placing, "size_of", lambda _path: storage.mended.wait())
    storage._of_uploads = Questions("The disk", patience_seconds=0.1)
    viewers = [asyncio.create_task(storage.size(f"processed/{number}/video.mp4")) for number in range(8)]

    async def another() -> str:
        try:
            async with asyncio.timeout(0.1):
                await storage.size("processed/9/video.mp4")
        except StorageFailed:
            return "refused"
        except TimeoutError:
            pass
        return "waits"

    await eventually(another, lambda answer: answer == "refused")
    for _ in range(2):
        await an_upload(database, expires_in=timedelta(seconds=-1))
        assert await over(Reconciler(database, runs, storage, row_seconds=30).run()) == ReconcileReport(failed=1)
    storage.mended.set()
    await asyncio.gather(*viewers)


async def test_a_cancel_of_an_upload_is_answered_though_its_bytes_can_not_be_removed(
    database: Database, storage: Hangs
) -> None:
    rows = (database.videos, database.deletions, database.reprocessings)
    actions = VideoActions(*rows, storage, RecordedRuns(), patience_seconds=0.2)
    for _ in range(3):
        video = await the_row(database, await an_upload(database))
        storage.hangs_at.add(video.id)
        await over(actions.cancel(video))
        assert (await the_row(database, video.id)).error_code == "cancelled"
    assert len(storage.began) == 2


async def test_whose_a_storage_is_that_does_not_say_is_known_from_before_and_nobody_waits_for_it(
    database: Database, storage: Hangs, tmp_path: Path
) -> None:
    ownership = Ownership(database.places, storage, patience_seconds=0.2)
    assert await ownership.is_ours()
    owner = tmp_path / "uploads" / OWNER
    said = owner.read_text()
    owner.unlink()
    os.mkfifo(owner)  # whoever reads it waits for who writes
    try:
        ownership._asked_at -= 3600
        assert await over(ownership.is_ours())
    finally:
        with owner.open("w") as answer:
            owner.unlink()
            owner.write_text(said)
            answer.write(said)


async def test_a_scrape_does_not_wait_for_a_disk_that_hangs_and_tells_of_it(
    database: Database, storage: Hangs, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage, asked = shutil.disk_usage(storage._uploads), []

    def hang(path: Path) -> object:
        asked.append(path)
        storage.mended.wait()
        return usage

    monkeypatch.setattr(shutil, "disk_usage", hang)
    standing = Standing(
        database.videos, database.events, database.webhooks, RecordedRuns(), storage, patience_seconds=0.5
    )
    for _ in range(6):
        metrics = await over(standing.metrics())
        [up] = [metric for metric in metrics if metric.name == "rushes_dependency_up"]
        assert {sample.labels["dependency"]: sample.value for sample in up.samples}["storage"] == 0
    assert len(asked) == 4
