"""Of rows that are tidied up none holds up another, and all together delay no run for long."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from contracts.errors import StorageFailed
from contracts.status import VideoStatus
from contracts.storage_keys import processed_folder
from database.engine import Database
from database.records import NewVideo
from database.tables import Video
from runs.client import TemporalRuns
from runs.hanging import Hanging
from runs.one_by_one import OneByOne
from runs.overfull import OverfullUploads
from runs.reconcile import Reconciler, ReconcileReport
from runs.withdrawals import Withdrawals
from storage.bucket import BucketStorage
from storage.bucket_direct import BucketDirect
from storage.disk import DiskStorage
from storage.protocol import Kept
from tests.database.samples import PUBLISHED, new_video, video_in
from tests.runs.test_sweep import sweeper
from tests.storage.originals import put_original


class Odd(DiskStorage):
    """Of some videos it fails in a way that nobody thought of, which it finds first."""

    bad: UUID

    def _look_at(self, key: str) -> None:
        if str(self.bad) in key:
            raise ValueError("a page where an answer of the storage was expected")

    async def size(self, key: str) -> int | None:
        self._look_at(key)
        return await super().size(key)

    async def delete(self, key: str) -> None:
        self._look_at(key)
        await super().delete(key)

    async def delete_folder(self, prefix: str) -> None:
        self._look_at(prefix)
        await super().delete_folder(prefix)

    async def kept(self, prefix: str) -> AsyncIterator[Kept]:
        for file in sorted(
            [file async for file in super().kept(prefix)], key=lambda file: str(self.bad) not in file.key
        ):
            yield file


@pytest.fixture
def storage(tmp_path: Path) -> Odd:
    (tmp_path / "uploads" / "originals").mkdir(parents=True)
    return Odd(tmp_path / "uploads", tmp_path / "scratch")


async def expired(database: Database) -> UUID:
    return (await database.videos.create_uploading(new_video(expires_in_seconds=-1))).id


async def cancelled(database: Database) -> UUID:
    video = await database.videos.create_uploading(new_video())
    assert await database.videos.cancel_unstarted(video.id, 1)
    async with database.transaction() as session:
        await session.execute(text("UPDATE videos SET next_look_at = now() WHERE next_look_at IS NOT NULL"))
    return video.id


async def made_anew(database: Database) -> UUID:
    video = await video_in(database.videos, VideoStatus.READY)
    await database.reprocessings.begin(video.id, "mobile", counts=False)
    await database.reprocessings.finish(video.id, 2, PUBLISHED, keep=timedelta(0))
    return video.id


async def declared(database: Database) -> UUID:
    begun = new_video()
    new = NewVideo(
        begun.id, "ann", begun.title, begun.original_filename, begun.original_key,
        upload_length=1, upload_expires_seconds=3600,
    )  # fmt: skip
    return (await database.videos.create_uploading(new)).id


@pytest.mark.parametrize(
    ("a_row", "report"),
    [
        (expired, ReconcileReport(expired=1, failed=1)),
        (cancelled, ReconcileReport(leavings=1, failed=1)),
        (made_anew, ReconcileReport(former=1, failed=1)),
    ],
)
async def test_a_row_whose_files_fail_in_an_unforeseen_way_holds_up_no_other_and_is_put_off(
    database: Database,
    runs: TemporalRuns,
    storage: Odd,
    a_row: Callable[[Database], Awaitable[UUID]],
    report: ReconcileReport,
) -> None:
    storage.bad = await a_row(database)
    await a_row(database)
    reconciler = Reconciler(database, runs, storage)
    assert await reconciler.run() == report
    assert await reconciler.run() == ReconcileReport(), "not at every pass"


async def test_an_upload_that_can_not_be_measured_holds_up_no_other(
    database: Database, bucket_storage: BucketStorage
) -> None:
    bad, other = [await declared(database) for _ in range(2)]
    measured: list[str] = []

    class OddDirect(BucketDirect):
        async def held_bytes(self, key: str) -> int:
            measured.append(key)
            if str(bad) in key:
                raise ValueError("a page where an answer of the storage was expected")
            return await super().held_bytes(key)

    class OddBucket(BucketStorage):
        def direct(self) -> BucketDirect:
            return OddDirect(self._bucket)

    odd = OddBucket(bucket_storage._bucket, bucket_storage._copies)
    overfull = OverfullUploads(database.videos, database.backlog, odd)
    one_by_one = OneByOne(database.ping, Hanging())
    for _ in range(2):
        assert await overfull.end(one_by_one) == 0
    assert measured == [f"originals/{video_id}.mp4" for video_id in (bad, other)], "and not at every pass"
    assert one_by_one.failed == 1


async def test_stray_files_that_fail_in_an_unforeseen_way_hold_up_no_others(database: Database, storage: Odd) -> None:
    storage.bad, other = [new_video().id for _ in range(2)]
    for video_id in (storage.bad, other):
        await put_original(storage, f"originals/{video_id}.mp4")
    report = await sweeper(database, storage).run()
    assert (report.removed, report.failed) == (1, 1)
    assert await storage.size(f"originals/{other}.mp4") is None


async def test_the_second_row_in_a_row_that_gets_no_answer_of_the_storage_ends_the_pass(database: Database) -> None:
    rows = [await video_in(database.videos, VideoStatus.UPLOADING) for _ in range(9)]
    silent = {rows[1].id, rows[3].id, rows[4].id}
    asked: list[UUID] = []
    put_off: list[UUID] = []

    async def see_to(video: Video) -> None:
        asked.append(video.id)
        if video.id == rows[3].id:
            await asyncio.sleep(60)
        if video.id in silent:
            raise StorageFailed("The bucket does not answer.")

    async def note(video: Video) -> None:
        put_off.append(video.id)

    one_by_one = OneByOne(database.ping, Hanging(), seconds=0.5)
    await one_by_one.see_to(rows[:3], see_to, note, unless="not_seen_to")
    await one_by_one.see_to(rows[3:4], see_to, note, unless="not_seen_to")
    await one_by_one.see_to(rows[4:6], see_to, note, unless="not_seen_to")
    await one_by_one.see_to(rows[6:], see_to, note, unless="not_seen_to")
    assert asked == [video.id for video in rows[:5]]
    assert put_off == [rows[1].id, rows[3].id, rows[4].id]
    assert one_by_one.failed == 3


async def test_rows_that_take_long_are_left_to_the_next_pass_once_its_time_is_over(database: Database) -> None:
    rows = [await video_in(database.videos, VideoStatus.UPLOADING) for _ in range(3)]
    asked: list[UUID] = []

    async def see_to(video: Video) -> None:
        asked.append(video.id)
        await asyncio.sleep(0.2)

    async def never(_: Video) -> None:
        raise AssertionError("Nothing failed.")

    await OneByOne(database.ping, Hanging(), seconds=0.3).see_to(rows, see_to, never, unless="not_seen_to")
    assert asked == [video.id for video in rows[:2]]


async def test_what_a_run_published_that_can_not_be_taken_back_is_counted_and_tried_again(
    database: Database, tmp_path: Path
) -> None:
    class Refuses(DiskStorage):
        tried: list[str]
        bad: str = ""

        async def delete_folder(self, prefix: str) -> None:
            self.tried.append(prefix)
            if self.bad in prefix:
                raise StorageFailed("The disk is read-only.")

    storage = Refuses(tmp_path / "uploads", tmp_path / "scratch")
    withdrawals = Withdrawals(database.videos, database.reprocessings, storage)
    bad, other = [await video_in(database.videos, VideoStatus.ERROR) for _ in range(2)]
    for closed in (bad, other):
        withdrawals.note(closed)
    folders = [processed_folder(str(video.id)) for video in (bad, other)]
    storage.bad = folders[0]

    async def one_pass() -> tuple[int, list[str]]:
        one_by_one, storage.tried = OneByOne(database.ping, Hanging()), []
        await withdrawals.remove(one_by_one)
        return one_by_one.failed, storage.tried

    assert await one_pass() == (1, folders)
    storage.bad = "none"
    assert await one_pass() == (0, folders[:1])
    assert await one_pass() == (0, [])
