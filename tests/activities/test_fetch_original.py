"""The original of an import: whole in storage and told in the row, or nothing of it and the reason."""

import asyncio
import contextlib
import hashlib
import random
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import heartbeat
from activities.arriving_original import FetchRules
from activities.clean_scratch import CleanScratchActivities, CleanScratchInput
from activities.fetch_original import FetchOriginalActivities, FetchOriginalInput
from contracts.errors import (
    AddressRefused,
    ErrorCode,
    LimitExceeded,
    SourceFailed,
    SourceNotFound,
    StatusConflict,
    StorageFailed,
    VideoCancelled,
)
from contracts.processing import StepProgress
from contracts.storage_keys import original_key
from database.engine import Database
from database.tables import Video
from database.videos import NewVideo
from fetching.addresses import AddressRules
from fetching.source import Patience, Sources
from storage.bucket import BucketStorage
from storage.bucket_objects import Bucket
from storage.disk import DiskStorage
from storage.disk_original import DiskOriginalWriter
from storage.protocol import Claim, Digest
from tests.activities.conftest import Folders
from tests.fetching.serving import TAG, Reply, serving, status, well, without_length
from tests.storage.published import content_of
from tests.waiting import eventually

CONTENT: Final = random.Random(7).randbytes(3_000_000)  # noqa: S311 - the same each time
SHA256: Final = hashlib.sha256(CONTENT).hexdigest()
PATIENCE: Final = Patience(connect_seconds=5, stall_seconds=5, pause_seconds=0, whole_seconds=30)


async def import_row(database: Database, url: str, filename: str = "clip.mp4", user_id: str = "local") -> Video:
    """The row of an import, attempt 1."""
    video_id = uuid4()
    return await database.videos.create_import(
        NewVideo(
            id=video_id,
            user_id=user_id,
            title=filename.partition(".")[0],
            original_filename=filename,
            original_key=original_key(str(video_id), ".mp4"),
            upload_expires_seconds=None,
            source_url=url,
        )
    )


def activities(
    database: Database,
    folders: Folders,
    *,
    allowed: str = "127.0.0.0/8",
    max_bytes: int = 10_000_000,
    at_once: int = 5,
    spare_bytes: int = 0,
    kept_every_bytes: int = 1_000_000,
) -> FetchOriginalActivities:
    sources = Sources(AddressRules([allowed]), PATIENCE)
    rules = FetchRules(max_bytes, at_once, spare_bytes, kept_every_bytes)
    return FetchOriginalActivities(database.videos, database.upload_leases, folders.storage, sources, rules)


async def fetch(of: FetchOriginalActivities, video: Video, attempt: int = 1) -> None:
    await ActivityEnvironment().run(of.fetch_original, FetchOriginalInput(str(video.id), attempt))


async def stored(database: Database, video_id: UUID) -> Video:
    video = await database.videos.get(video_id)
    assert video is not None
    return video


def originals(folders: Folders) -> list[Path]:
    """Every file among the originals, unfinished ones too."""
    folder = folders.uploads / "originals"
    return sorted(folder.iterdir()) if folder.exists() else []


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
        writer = await folders.storage.create_original(video.original_key)
        await writer.write(CONTENT)
        await writer.commit()
        await fetch(activities(database, folders), video)
        assert server.asked == []
    row = await stored(database, video.id)
    assert (row.file_size_bytes, row.content_sha256) == (len(CONTENT), SHA256)
    assert row.uploaded_at is not None


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
            StorageFailed, match=r"3000000 bytes, and there is room for 1000000 .* 1000000 .* \(RUSHES_SPARE_BYTES\)"
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


async def killed_after_a_part(database: Database, of: FetchOriginalActivities, video: Video) -> int:
    """How many bytes the row says are kept of a fetch whose worker was gone when a mebibyte was."""
    environment = ActivityEnvironment()
    running = asyncio.create_task(environment.run(of.fetch_original, FetchOriginalInput(str(video.id), attempt=1)))
    row = await eventually(lambda: stored(database, video.id), lambda row: row.upload_offset > 0)
    environment.cancel(cancellation_details=ActivityCancellationDetails(worker_shutdown=True))
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return row.upload_offset


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
        kept_bytes = await killed_after_a_part(database, of, video)
        assert await database.upload_leases.reserved_bytes() == len(CONTENT) - kept_bytes
        await fetch(of, video)
        assert server.ranges == [None, f"bytes={kept_bytes}-", *asked_anew]
    row = await stored(database, video.id)
    assert (row.file_size_bytes, row.content_sha256) == (len(CONTENT), SHA256)
    assert await content_of(either.storage, video.original_key) == CONTENT


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


async def test_a_worker_fetches_so_many_at_once_and_puts_the_others_back(database: Database, folders: Folders) -> None:
    async with serving(CONTENT, well(cut_to=0, then_hang=True), well()) as server:
        of = activities(database, folders, at_once=1)
        first, second = await import_row(database, server.url()), await import_row(database, server.url())
        running = asyncio.create_task(fetch(of, first))
        await server.reached.wait()
        with pytest.raises(ApplicationError) as caught:
            await fetch(of, second)
        assert (caught.value.type, caught.value.non_retryable) == ("waits_for_others", False)
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
