"""The original of an import: whole in storage and told in the row, or nothing of it and the reason."""

import asyncio
import contextlib
from dataclasses import replace
from uuid import UUID

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment

from activities import heartbeat
from activities.fetch_original import FetchOriginalInput
from contracts.errors import (
    AddressRefused,
    ErrorCode,
    LimitExceeded,
    SourceNotFound,
    StatusConflict,
    StorageFailed,
    VideoCancelled,
)
from contracts.processing import StepProgress
from contracts.status import VideoStatus
from database.engine import Database
from database.tables import Video
from database.videos import FetchedOriginal, Videos
from storage.bucket import BucketStorage
from storage.bucket_objects import Bucket
from storage.disk import DiskStorage
from tests.activities.conftest import Folders
from tests.activities.importing import CONTENT, SHA256, activities, fetch, import_row, originals, stored
from tests.database.samples import PUBLISHED
from tests.fetching.serving import Reply, serving, status, well, without_length
from tests.storage.published import content_of
from tests.waiting import eventually


async def is_there_already(folders: Folders, video: Video) -> None:
    """The whole original is in storage, and its row was not told."""
    writer = await folders.storage.create_original(video.original_key)
    await writer.write(CONTENT)
    await writer.commit()


async def test_the_original_is_whole_in_storage_and_its_size_and_hash_in_the_row(
    database: Database, folders: Folders
) -> None:
    async with serving(CONTENT, well(cut_to=1_200_000), well()) as server:
        video = await import_row(database, server.url())
        await fetch(activities(database, folders), video)
        row = await stored(database, video.id)
        assert (row.status, row.file_size_bytes, row.content_sha256) == ("processing", len(CONTENT), SHA256)
        assert (row.original_filename, row.title) == ("clip.mp4", "clip")
        assert [path.read_bytes() == CONTENT for path in originals(folders)] == [True]


async def test_an_original_that_is_here_is_not_fetched_again_and_one_that_is_gone_is(
    database: Database, folders: Folders
) -> None:
    async with serving(CONTENT) as server:
        video = await import_row(database, server.url())
        of = activities(database, folders)
        for _ in range(2):
            await fetch(of, video)
        assert len(server.asked) == 1
        await folders.storage.delete(video.original_key)
        await fetch(of, video)
        assert len(server.asked) == 2
    assert [path.read_bytes() == CONTENT for path in originals(folders)] == [True]


async def test_an_original_that_is_whole_before_its_row_knows_is_taken_though_its_source_is_gone(
    database: Database, folders: Folders
) -> None:
    async with serving(CONTENT, status(404)) as server:
        video = await import_row(database, server.url())
        await is_there_already(folders, video)
        await fetch(activities(database, folders), video)
        assert server.asked == []
    row = await stored(database, video.id)
    assert (row.file_size_bytes, row.content_sha256) == (len(CONTENT), SHA256)
    assert row.uploaded_at is not None


async def test_an_original_that_is_whole_before_its_row_knows_stays_also_where_its_user_may_keep_no_more(
    database: Database, folders: Folders
) -> None:
    async with serving(CONTENT, status(404)) as server:
        video = await import_row(database, server.url())
        await is_there_already(folders, video)
        await database.accounts.set_limits("local", {"max_stored_bytes": len(CONTENT) - 1})
        with pytest.raises(LimitExceeded):
            await fetch(activities(database, folders), video)
    assert [path.read_bytes() == CONTENT for path in originals(folders)] == [True]


@pytest.mark.parametrize(
    ("filename", "reply", "expected"),
    [
        ("download", without_length(Content_Disposition='attachment; filename="Ficus.mov"'), ("Ficus.mov", "Ficus")),
        ("download", without_length(Content_Disposition='attachment; filename="../../etc/a"'), ("a", "a")),
        ("clip.mp4", without_length(Content_Disposition='attachment; filename="x.mov"'), ("clip.mp4", "clip")),
        ("download", without_length(), ("clip.mp4", "clip")),
    ],
)
async def test_a_url_that_names_no_video_leaves_the_name_to_the_server(
    database: Database, folders: Folders, filename: str, reply: Reply, expected: tuple[str, str]
) -> None:
    async with serving(CONTENT, reply) as server:
        video = await import_row(database, server.url(), filename)
        await fetch(activities(database, folders), video)
    row = await stored(database, video.id)
    assert (row.original_filename, row.title) == expected


async def test_a_fetch_that_fails_leaves_no_byte(database: Database, folders: Folders) -> None:
    async with serving(CONTENT, well(cut_to=2_000_000), status(404)) as server:
        video = await import_row(database, server.url())
        with pytest.raises(SourceNotFound):
            await fetch(activities(database, folders), video)
    assert originals(folders) == []
    async with serving(CONTENT, without_length()) as server:
        video = await import_row(database, server.url())
        with pytest.raises(LimitExceeded):
            await fetch(activities(database, folders, max_bytes=2_000_000), video)
    assert originals(folders) == []
    assert (await stored(database, video.id)).content_sha256 is None


@pytest.mark.parametrize("reply", [well(), without_length()], ids=["its length is told", "it is not"])
async def test_a_file_that_is_more_than_its_user_may_keep_is_refused_and_leaves_no_byte(
    database: Database, folders: Folders, reply: Reply
) -> None:
    await database.accounts.set_limits("local", {"max_stored_bytes": len(CONTENT) + 10})
    async with serving(CONTENT, reply) as server:
        first, second = [await import_row(database, server.url()) for _ in range(2)]
        await fetch(activities(database, folders), first)
        with pytest.raises(LimitExceeded, match="no room for this file"):
            await fetch(activities(database, folders), second)
    assert [path.stem for path in originals(folders)] == [str(first.id)]


async def test_a_refused_file_goes_before_a_retry_can_bring_its_own(database: Database, folders: Folders) -> None:
    class Observed(DiskStorage):
        async def delete(self, key: str) -> None:
            retry = asyncio.create_task(retried())
            retries.append(retry)
            await asyncio.wait({retry}, timeout=0.5)
            assert not retry.done(), "it would lose what it fetches"
            await super().delete(key)

    async def retried() -> Video:
        await database.videos.mark_error(video.id, 1, ErrorCode.LIMIT_EXCEEDED, "Too much.")
        return await database.videos.start_retry(video.id)

    retries: list[asyncio.Task[Video]] = []
    await database.accounts.set_limits("local", {"max_stored_bytes": len(CONTENT) - 1})
    observed = replace(folders, storage=Observed(folders.uploads, folders.scratch))
    async with serving(CONTENT, without_length()) as server:
        video = await import_row(database, server.url())
        with pytest.raises(LimitExceeded):
            await fetch(activities(database, observed), video)
    assert originals(folders) == []
    assert [(await retry).attempt for retry in retries] == [2]


async def test_a_file_that_does_not_fit_beside_what_is_on_its_way_is_not_begun(
    database: Database, folders: Folders
) -> None:
    class SmallDisk(DiskStorage):
        async def free_bytes(self) -> int:
            return 5_000_000

    small = replace(folders, storage=SmallDisk(folders.uploads, folders.scratch))
    async with serving(CONTENT, well(cut_to=1_000_000, then_hang=True), well()) as server:
        first, second = await import_row(database, server.url()), await import_row(database, server.url())
        of = activities(database, small, spare_bytes=1_000_000)
        running = asyncio.create_task(fetch(of, first))
        await eventually(database.upload_leases.reserved_bytes, lambda reserved: reserved == len(CONTENT))
        with pytest.raises(
            StorageFailed, match=r"2\.9 MiB, and there is room for 976\.6 KiB .* 976\.6 KiB .* \(RUSHES_SPARE_BYTES\)"
        ):
            await fetch(of, second)
        assert [path.stem for path in originals(folders)] == [f"{first.id}.mp4"]
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        assert await database.videos.mark_error(first.id, 1, ErrorCode.SOURCE_FAILED, "It was away.")
        await fetch(of, second)
    assert await database.upload_leases.reserved_bytes() == 0


async def test_a_file_of_no_known_length_leaves_what_is_to_stay_free(database: Database, folders: Folders) -> None:
    class FillingDisk(DiskStorage):
        async def free_bytes(self) -> int:
            return 4_000_000 - sum(path.stat().st_size for path in originals(folders))

    filling = replace(folders, storage=FillingDisk(folders.uploads, folders.scratch))
    async with serving(CONTENT, without_length()) as server:
        video = await import_row(database, server.url())
        with pytest.raises(StorageFailed, match=r"does not say how large .* room for 0 .*RUSHES_SPARE_BYTES"):
            await fetch(activities(database, filling, spare_bytes=2_000_000), video)
        assert originals(folders) == []
        await fetch(activities(database, filling, spare_bytes=500_000), video)


async def test_what_a_killed_worker_left_in_a_bucket_goes_when_the_file_is_begun_anew(
    database: Database, bucket_storage: BucketStorage, bucket: Bucket, folders: Folders
) -> None:
    in_bucket = replace(folders, storage=bucket_storage)
    async with serving(CONTENT) as server:
        video = await import_row(database, server.url())
        await bucket.put_part(await bucket.begin_parts(video.original_key), 1, CONTENT)
        await fetch(activities(database, in_bucket), video)
    assert await content_of(bucket_storage, video.original_key) == CONTENT
    assert await bucket.unfinished(video.original_key) == []


async def test_an_address_that_is_not_public_is_refused(database: Database, folders: Folders) -> None:
    async with serving(CONTENT) as server:
        video = await import_row(database, server.url())
        with pytest.raises(AddressRefused):
            await fetch(activities(database, folders, allowed="10.0.0.0/8"), video)
        assert server.asked == []


async def test_a_cancel_in_mid_file_ends_within_a_second_and_leaves_no_byte(
    database: Database, folders: Folders
) -> None:
    environment = ActivityEnvironment()
    async with serving(CONTENT, well(cut_to=2_000_000, then_hang=True)) as server:
        video = await import_row(database, server.url())
        of = activities(database, folders)
        running = asyncio.create_task(environment.run(of.fetch_original, FetchOriginalInput(str(video.id), attempt=1)))

        async def begun() -> list[str]:
            return [path.suffix for path in originals(folders)]

        await eventually(begun, lambda found: found == [".part"])
        environment.cancel()
        async with asyncio.timeout(1):
            with contextlib.suppress(asyncio.CancelledError):
                await running
    assert originals(folders) == []


async def test_progress_is_told_by_heartbeats(
    database: Database, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "HEARTBEAT_SECONDS", 0.01)
    environment = ActivityEnvironment()
    half = asyncio.Event()

    def told(progress: StepProgress) -> None:
        if progress.fraction == 0.5:
            half.set()

    environment.on_heartbeat = told
    async with serving(CONTENT, well(cut_to=1_500_000, then_hang=True)) as server:
        video = await import_row(database, server.url())
        of = activities(database, folders)
        running = asyncio.create_task(environment.run(of.fetch_original, FetchOriginalInput(str(video.id), attempt=1)))
        async with asyncio.timeout(10):
            await half.wait()
        environment.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_a_video_that_was_cancelled_deleted_or_retried_meanwhile_gets_no_original(
    database: Database, folders: Folders
) -> None:
    async with serving(CONTENT) as server:
        of = activities(database, folders)
        cancelled = await import_row(database, server.url())
        assert await database.videos.request_cancel(cancelled.id, 1)
        with pytest.raises(VideoCancelled):
            await fetch(of, cancelled)
        retried = await import_row(database, server.url())
        assert await database.videos.mark_error(retried.id, 1, ErrorCode.SOURCE_FAILED, "It was away.")
        await database.videos.start_retry(retried.id)
        with pytest.raises(StatusConflict):
            await fetch(of, retried, attempt=1)
        deleted = await import_row(database, server.url())
        await database.videos.delete(deleted.id)
        with pytest.raises(StatusConflict):
            await fetch(of, deleted)
        assert originals(folders) == []
        await fetch(of, retried, attempt=2)
    assert len(originals(folders)) == 1


async def test_a_worker_that_was_stopped_until_another_had_made_the_video_leaves_it_its_original(
    database: Database, folders: Folders
) -> None:
    class GoneOnMeanwhile(Videos):
        async def finish_fetch(self, video_id: UUID, attempt: int, original: FetchedOriginal) -> None:
            await super().finish_fetch(video_id, attempt, original)
            await self.mark_ready(video_id, attempt, PUBLISHED)
            await super().finish_fetch(video_id, attempt, original)

    async with serving(CONTENT) as server:
        video = await import_row(database, server.url())
        of = activities(database, folders, videos=GoneOnMeanwhile(database.transaction))
        with pytest.raises(StatusConflict):
            await fetch(of, video)
    assert (await stored(database, video.id)).status == VideoStatus.READY
    assert [path.read_bytes() == CONTENT for path in originals(folders)] == [True]


async def test_a_worker_fetches_so_many_at_once_and_puts_the_others_back(database: Database, folders: Folders) -> None:
    async with serving(CONTENT, well(cut_to=0, then_hang=True), well()) as server:
        of = activities(database, folders, at_once=1)
        first, second = await import_row(database, server.url()), await import_row(database, server.url())
        running = asyncio.create_task(fetch(of, first))
        await server.reached.wait()
        with pytest.raises(ApplicationError) as caught:
            await fetch(of, second)
        assert (caught.value.type, caught.value.non_retryable) == ("waits_for_others", False)
        assert caught.value.category is ApplicationErrorCategory.BENIGN
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await fetch(of, second)


async def test_slow_sources_of_one_user_leave_places_to_others(database: Database, folders: Folders) -> None:
    async with serving(CONTENT, *(well(cut_to=0, then_hang=True) for _ in range(2)), well()) as server:
        of = activities(database, folders, at_once=4)
        slow = [await import_row(database, server.url(), user_id="ann") for _ in range(3)]
        running = [asyncio.create_task(fetch(of, video)) for video in slow[:2]]
        await eventually(lambda: asyncio.sleep(0, len(server.asked)), lambda asked: asked == 2)
        with pytest.raises(ApplicationError, match="2 of them for user ann") as caught:
            await fetch(of, slow[2])
        assert caught.value.type == "waits_for_others"
        await fetch(of, await import_row(database, server.url(), user_id="bob"))
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
