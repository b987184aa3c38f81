"""A fetch that was interrupted, or whose source or storage was away, goes on from what it has."""

import asyncio
import contextlib
from dataclasses import replace

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.testing import ActivityEnvironment

from activities import heartbeat
from activities.clean_scratch import CleanScratchActivities, CleanScratchInput
from activities.fetch_original import FetchOriginalActivities, FetchOriginalInput
from contracts.errors import (
    ErrorCode,
    SourceFailed,
    StorageFailed,
)
from database.engine import Database
from database.tables import Video
from storage.disk import DiskStorage
from storage.disk_original import DiskOriginalWriter
from storage.protocol import Claim, Digest
from tests.activities.conftest import Folders
from tests.activities.importing import CONTENT, SHA256, activities, fetch, import_row, originals, stored
from tests.fetching.serving import TAG, Reply, serving, status, well
from tests.storage.published import content_of
from tests.waiting import eventually


async def stopped_after_a_part(database: Database, of: FetchOriginalActivities, video: Video) -> int:
    """How many bytes the row says are kept of a fetch whose worker was told to stop when a mebibyte was."""
    environment = ActivityEnvironment()
    running = asyncio.create_task(environment.run(of.fetch_original, FetchOriginalInput(str(video.id), attempt=1)))
    await eventually(lambda: stored(database, video.id), lambda row: row.upload_offset > 0)
    environment.cancel(cancellation_details=ActivityCancellationDetails(worker_shutdown=True))
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return (await stored(database, video.id)).upload_offset


@pytest.fixture(params=["disk", "bucket"])
def either(request: pytest.FixtureRequest, folders: Folders) -> Folders:
    """Each kind of place."""
    return replace(folders, storage=request.getfixturevalue("bucket_storage")) if request.param == "bucket" else folders


@pytest.mark.parametrize(("now", "asked_anew"), [(well(), []), (well(tag='"two"'), []), (status(416), [None])])
async def test_the_next_attempt_goes_on_from_what_was_kept_unless_the_file_is_another_by_now(
    database: Database, either: Folders, now: Reply, asked_anew: list[None]
) -> None:
    async with serving(CONTENT, well(cut_to=2_000_000, then_hang=True), now, well()) as server:
        video = await import_row(database, server.url())
        of = activities(database, either)
        kept_bytes = await stopped_after_a_part(database, of, video)
        assert await database.upload_leases.reserved_bytes() == len(CONTENT) - kept_bytes
        await fetch(of, video)
        assert server.ranges == [None, f"bytes={kept_bytes}-", *asked_anew]
    row = await stored(database, video.id)
    assert (row.file_size_bytes, row.content_sha256) == (len(CONTENT), SHA256)
    assert await content_of(either.storage, video.original_key) == CONTENT


async def test_a_worker_that_is_stopped_keeps_what_has_come_since_that_was_kept_last(
    database: Database, either: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "HEARTBEAT_SECONDS", 0.01)
    environment, told = ActivityEnvironment(), list[float]()
    environment.on_heartbeat = lambda progress: told.append(progress.fraction)
    async with serving(CONTENT, well(cut_to=2_000_000, then_hang=True), well()) as server:
        video = await import_row(database, server.url())
        of = activities(database, either, kept_every_bytes=len(CONTENT))
        running = asyncio.create_task(environment.run(of.fetch_original, FetchOriginalInput(str(video.id), attempt=1)))
        await eventually(lambda: asyncio.sleep(0, told[-1:]), [0.6667].__eq__)
        environment.cancel(cancellation_details=ActivityCancellationDetails(worker_shutdown=True))
        with contextlib.suppress(asyncio.CancelledError):
            await running
        kept_bytes = (await stored(database, video.id)).upload_offset
        assert kept_bytes > 1_000_000, "all but what is written at a time"
        await fetch(of, video)
        assert server.ranges == [None, f"bytes={kept_bytes}-"]
    assert await content_of(either.storage, video.original_key) == CONTENT


@pytest.mark.parametrize("says", ["that it fails", "nothing"])
async def test_a_storage_that_is_away_makes_no_failure_of_a_cancel(
    database: Database, folders: Folders, says: str
) -> None:
    class AwayWriter(DiskOriginalWriter):
        async def discard(self) -> None:
            if is_away:
                await asyncio.wait_for(asyncio.Event().wait(), None if says == "nothing" else 0)
            await super().discard()

    class Away(DiskStorage):
        async def create_original(self, key: str, claim: Claim | None = None) -> DiskOriginalWriter:
            writer = AwayWriter(folders.uploads / key)
            await writer.open(claim)
            writers.append(writer)
            return writer

    writers, is_away, environment = list[AwayWriter](), False, ActivityEnvironment()
    away = replace(folders, storage=Away(folders.uploads, folders.scratch))
    async with serving(CONTENT, well(cut_to=2_000_000, then_hang=True)) as server:
        video = await import_row(database, server.url())
        of = activities(database, away, let_go_seconds=0.2)
        running = asyncio.create_task(environment.run(of.fetch_original, FetchOriginalInput(str(video.id), attempt=1)))
        await eventually(lambda: stored(database, video.id), lambda row: row.upload_offset > 0)
        is_away = True
        environment.cancel()
        await asyncio.wait({running}, timeout=20)
        assert running.cancelled()
    for writer in writers:
        await writer.close()


async def test_a_source_that_was_away_gives_only_what_is_missing_also_to_who_retries_the_video(
    database: Database, either: Folders
) -> None:
    away = [status(503)] * 3
    async with serving(CONTENT, well(cut_to=2_000_000), *away, well(cut_to=500_000), *away, well()) as server:
        video = await import_row(database, server.url(), "download")
        of = activities(database, either)
        for _ in range(2):
            with pytest.raises(SourceFailed):
                await fetch(of, video)
        assert await database.videos.mark_error(video.id, 1, ErrorCode.SOURCE_FAILED, "It was away.")
        await database.videos.start_retry(video.id)
        await fetch(of, video, attempt=2)
        assert server.ranges == [None, *["bytes=2000000-"] * 4, *["bytes=2500000-"] * 4]
    assert await content_of(either.storage, video.original_key) == CONTENT
    assert (await stored(database, video.id)).original_filename == "clip.mp4"


async def test_nothing_is_kept_of_an_import_that_was_cancelled_while_its_source_was_away(
    database: Database, folders: Folders
) -> None:
    async with serving(CONTENT, well(cut_to=2_000_000), status(503)) as server:
        video = await import_row(database, server.url())
        with pytest.raises(SourceFailed):
            await fetch(activities(database, folders), video)
    assert [path.suffix for path in originals(folders)] == [".part"]
    end = CleanScratchInput(str(video.id), unwanted_original=video.original_key)
    await ActivityEnvironment().run(CleanScratchActivities(folders.storage).clean_scratch, end)
    assert originals(folders) == []


async def test_a_storage_that_was_away_takes_the_rest_and_nothing_twice(database: Database, folders: Folders) -> None:
    away = StorageFailed("It does not answer.")

    class FailsOnce(DiskOriginalWriter):
        async def commit(self) -> None:
            if failing:
                raise failing.pop()
            await super().commit()

    class AwayForAMoment(DiskStorage):
        async def create_original(self, key: str, claim: Claim | None = None) -> DiskOriginalWriter:
            writer = FailsOnce(folders.uploads / key)
            await writer.open(claim)
            return writer

        async def continue_original(
            self, key: str, size_bytes: int, digest: Digest | None = None, claim: Claim | None = None
        ) -> DiskOriginalWriter:
            if failing_to_begin:
                raise failing_to_begin.pop()
            return await super().continue_original(key, size_bytes, digest, claim)

    failing, failing_to_begin = [away], [away]
    of = activities(database, replace(folders, storage=AwayForAMoment(folders.uploads, folders.scratch)))
    async with serving(CONTENT) as server:
        video = await import_row(database, server.url())
        for _ in range(2):
            with pytest.raises(StorageFailed):
                await fetch(of, video)
        kept_bytes = (await stored(database, video.id)).upload_offset
        assert 0 < kept_bytes < len(CONTENT)
        await fetch(of, video)
        assert server.ranges == [None, f"bytes={kept_bytes}-"]
    assert [path.read_bytes() == CONTENT for path in originals(folders)] == [True]


async def test_an_attempt_begins_anew_where_what_was_kept_is_gone(database: Database, folders: Folders) -> None:
    async with serving(CONTENT) as server:
        video = await import_row(database, server.url())
        await asyncio.to_thread((folders.uploads / "originals").mkdir, parents=True)
        await database.upload_leases.note_fetch(video.id, 1, length=len(CONTENT), offset=2**20, validator=TAG)
        await fetch(activities(database, folders), video)
        assert server.ranges == [None]
    assert (await stored(database, video.id)).content_sha256 == SHA256
