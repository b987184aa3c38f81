"""Uploads whose time is over: a file that is whole is nobody's to remove, whatever its row says."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from contracts.errors import StorageFailed
from contracts.status import VideoStatus
from database.engine import Database
from runs.client import TemporalRuns
from runs.reconcile import Reconciler, ReconcileReport
from runs.records import NewestRun
from storage.disk import DiskStorage
from storage.protocol import Storage
from tests.database.samples import let_go, new_video, video_in
from tests.storage.originals import put_original


@pytest.fixture(params=["disk", "bucket"])
def storage(request: pytest.FixtureRequest) -> Storage:
    """Each kind of place."""
    if request.param == "bucket":
        bucket_storage: Storage = request.getfixturevalue("bucket_storage")
        return bucket_storage
    folder: Path = request.getfixturevalue("tmp_path")
    return DiskStorage(folder / "uploads", folder / "scratch")


async def an_expired_upload(database: Database, storage: Storage, *, length: int | None = None) -> UUID:
    """One of 100 bytes that are all here, as after the restore of a dump that was made while it was on its way."""
    begun = replace(new_video(expires_in_seconds=-1), upload_length=length)
    await database.videos.create_uploading(begun)
    await put_original(storage, begun.original_key)
    return begun.id


async def where(database: Database, video_id: UUID) -> tuple[str, str | None]:
    video = await database.videos.get(video_id)
    assert video is not None
    return video.status, video.error_code


@pytest.mark.parametrize("length", [None, 100])
async def test_a_whole_file_gets_its_run_though_its_row_says_that_it_is_still_coming(
    database: Database, runs: TemporalRuns, storage: Storage, length: int | None
) -> None:
    video_id = await an_expired_upload(database, storage, length=length)
    reconciler = Reconciler(database, runs, storage)
    assert await reconciler.run() == ReconcileReport(found_whole=1)
    assert await where(database, video_id) == (VideoStatus.PROCESSING, None)
    assert await storage.size(f"originals/{video_id}.mp4") == 100
    await let_go(database)
    assert await reconciler.run() == ReconcileReport(started=1)
    assert await runs.newest_run(str(video_id)) == NewestRun(attempt=1, is_open=True)


async def test_a_whole_file_is_not_held_against_what_its_user_has_by_rows_that_were_put_back(
    database: Database, runs: TemporalRuns, storage: Storage
) -> None:
    await video_in(database.videos, VideoStatus.READY)  # deleted since, and here again
    await database.accounts.set_limits("local", {"max_stored_bytes": 1050})
    video_id = await an_expired_upload(database, storage)
    assert await Reconciler(database, runs, storage).run() == ReconcileReport(found_whole=1)
    assert await where(database, video_id) == (VideoStatus.PROCESSING, None)


async def test_a_file_of_another_size_than_was_declared_is_left_to_the_sweep(
    database: Database, runs: TemporalRuns, storage: Storage
) -> None:
    video_id = await an_expired_upload(database, storage, length=101)
    assert await Reconciler(database, runs, storage).run() == ReconcileReport(expired=1)
    assert await where(database, video_id) == (VideoStatus.ERROR, "upload_interrupted")
    assert await storage.size(f"originals/{video_id}.mp4") == 100


async def test_a_file_that_can_not_be_looked_for_is_waited_for_and_holds_up_no_other(
    database: Database, runs: TemporalRuns, tmp_path: Path
) -> None:
    class Unreadable(DiskStorage):
        async def size(self, key: str) -> int | None:
            if unreadable is not None and str(unreadable) in key:
                raise StorageFailed("The disk does not answer.")
            return await super().size(key)

    unreadable: UUID | None = None
    storage = Unreadable(tmp_path / "uploads", tmp_path / "scratch")
    unreadable, other = [await an_expired_upload(database, storage) for _ in range(2)]
    reconciler = Reconciler(database, runs, storage)
    assert await reconciler.run() == ReconcileReport(found_whole=1, failed=1)
    assert await reconciler.run() == ReconcileReport(), "not at every pass"
    assert await where(database, unreadable) == (VideoStatus.UPLOADING, None)
    assert await where(database, other) == (VideoStatus.PROCESSING, None)
