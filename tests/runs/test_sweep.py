"""Files that no row is to have go; everything else stays, and so does everything that is young."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from contracts.errors import StorageFailed
from contracts.status import VideoStatus
from contracts.storage_keys import edition_of, original_key, processed_folder, processed_key, work_key
from database.editions import Edition
from database.engine import Database
from database.migrate import migrate
from database.tables import Video
from embedded.postgres import EmbeddedPostgres
from embedded.postgres_programs import client_program
from runs.sweep import Sweeper
from storage.bucket import BucketStorage
from storage.bucket_objects import Bucket
from storage.disk import DiskStorage
from storage.identity import storage_identity
from storage.protocol import Kept, Storage
from tests.database.samples import PUBLISHED, video_in
from tests.storage.known import always
from tests.storage.originals import put_original
from tests.storage.published import publish_something

AT_ONCE = timedelta(seconds=-60)
"""Of an age that every file has."""


@pytest.fixture(params=["disk", "bucket"])
def storage(request: pytest.FixtureRequest) -> Storage:
    """Each kind of place."""
    if request.param == "bucket":
        bucket_storage: Storage = request.getfixturevalue("bucket_storage")
        return bucket_storage
    folder: Path = request.getfixturevalue("tmp_path")
    return DiskStorage(folder / "uploads", folder / "scratch")


@pytest.fixture
def leave_unfinished(request: pytest.FixtureRequest, storage: Storage) -> Callable[[str], Awaitable[None]]:
    """Leaves what a process does that is killed while it puts a file."""
    if isinstance(storage, BucketStorage):
        bucket: Bucket = request.getfixturevalue("bucket")

        async def leave_parts(key: str) -> None:
            await bucket.put_part(await bucket.begin_parts(key), 1, b"half")

        return leave_parts
    folder: Path = request.getfixturevalue("tmp_path")

    async def leave_part(key: str) -> None:
        path = folder / "uploads" / key
        path.with_name(f".{path.name}.0123456789abcdef.part").write_bytes(b"half")

    return leave_part


def sweeper(database: Database, storage: Storage, older_than: timedelta = AT_ONCE) -> Sweeper:
    return Sweeper(database.editions, database.backlog, storage, older_than, always)


async def put(storage: Storage, key: str) -> None:
    async with storage.create(key) as path:
        path.write_bytes(b"x" * 100)


async def put_everywhere(storage: Storage, video_id: UUID) -> None:
    await put_original(storage, original_key(str(video_id), ".mp4"))
    await put(storage, work_key(str(video_id), "chunk.mp4"))
    await put(storage, processed_key(str(video_id), "video.mp4"))


async def kept(storage: Storage, video_id: UUID) -> list[str]:
    """Where the video has files."""
    found = set()
    for prefix in ("originals/", "work/", "processed/"):
        async for file in storage.kept(prefix):
            if str(video_id) in file.key:
                found.add(prefix.removesuffix("/"))
    return sorted(found)


async def test_files_of_no_video_go_and_what_bears_no_id_stays(database: Database, storage: Storage) -> None:
    never = uuid4()
    await put_everywhere(storage, never)
    await put(storage, "processed/somebody-elses/file.txt")
    report = await sweeper(database, storage).run()
    assert (report.removed, report.failed, report.size_bytes) == (3, 0, 300)
    assert await kept(storage, never) == []
    assert await storage.size("processed/somebody-elses/file.txt") == 100


async def test_files_without_a_row_from_before_the_database_knew_the_storage_stay_until_they_are_asked_for(
    database: Database, storage: Storage
) -> None:
    lost = uuid4()
    await put_everywhere(storage, lost)

    async def since_now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=60)  # the clock of a bucket may be ahead

    careful = Sweeper(database.editions, database.backlog, storage, AT_ONCE, since_now)
    assert (await careful.run()).removed == 1, "work files are nobody's only copy"
    assert await kept(storage, lost) == ["originals", "processed"]
    assert [stray.came_before async for stray in careful.strays()] == [True, True]
    assert (await careful.run(from_before=True)).removed == 2


async def test_copies_of_a_video_that_was_deleted_before_its_storage_was_switched_go_by_themselves(
    database: Database, storage: Storage
) -> None:
    video = await video_in(database.videos, VideoStatus.READY)
    await put_everywhere(storage, video.id)
    await database.deletions.begin(video.id)
    await database.deletions.finish(video.id)

    async def since_now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=60)  # the clock of a bucket may be ahead

    await Sweeper(database.editions, database.backlog, storage, AT_ONCE, since_now).run()
    assert await kept(storage, video.id) == []


async def test_a_storage_is_known_from_when_it_was_first_asked_for(database: Database) -> None:
    first = await database.places.known_since("0a1b2c3d")
    assert await database.places.known_since("0a1b2c3d") == first
    assert await database.places.known_since("4e5f6a7b") > first


def run_client(program: str, *arguments: str) -> None:
    subprocess.run([client_program(program), *arguments], check=True, capture_output=True)


async def test_what_came_after_a_dump_that_was_put_back_by_hand_is_taken_for_nobodys_by_no_sweep(
    empty_database_url: str, storage: Storage, tmp_path: Path
) -> None:
    await asyncio.to_thread(migrate, empty_database_url)
    database = Database(empty_database_url, pool_size=2)
    identity = await storage_identity(storage)
    sweeper = Sweeper(
        database.editions, database.backlog, storage, AT_ONCE, lambda: database.places.known_since(identity)
    )
    kept_since = await database.places.known_since(identity)
    imported = await video_in(database.videos, VideoStatus.ERROR)
    async with database.transaction() as session:
        row = await session.get_one(Video, imported.id)
        row.uploaded_at, row.source_url = None, "https://example.org/clip.mp4"
    here, dump = f"--dbname={empty_database_url}", str(tmp_path / "rows.dump")
    await asyncio.to_thread(run_client, "pg_dump", here, "--format=custom", f"--file={dump}")
    assert await database.places.known_since(identity) == kept_since

    accepted = await video_in(database.videos, VideoStatus.PROCESSING)
    for video in (accepted, imported):  # that was retried after the dump
        await put_original(storage, video.original_key)
    await asyncio.to_thread(run_client, "pg_restore", here, "--clean", "--if-exists", "--no-owner", dump)
    assert await database.videos.get(accepted.id) is None
    await sweeper.run()
    assert [await kept(storage, video.id) for video in (accepted, imported)] == [["originals"], ["originals"]]
    assert {stray.video_id: stray.takes_retry async for stray in sweeper.strays()} == {
        accepted.id: False,
        imported.id: True,
    }
    await database.dispose()


async def test_postgresql_that_is_started_again_may_be_of_an_older_state_and_knows_a_storage_anew(
    stoppable_postgres: EmbeddedPostgres,
) -> None:
    database = Database(stoppable_postgres.url(stoppable_postgres.port), pool_size=1)
    before = await database.places.known_since("0a1b2c3d")
    await stoppable_postgres.stop()
    await stoppable_postgres.start()
    anew = await database.places.known_since("0a1b2c3d")
    assert anew > before
    assert await database.places.known_since("0a1b2c3d") == anew
    await database.dispose()


@pytest.mark.parametrize(
    ("status", "stays"),
    [
        (VideoStatus.UPLOADING, ["originals"]),
        (VideoStatus.PROCESSING, ["originals", "processed", "work"]),
        (VideoStatus.READY, ["originals", "processed"]),
        (VideoStatus.ERROR, ["originals"]),
    ],
)
async def test_a_video_keeps_what_its_status_is_to_have(
    database: Database, storage: Storage, status: VideoStatus, stays: list[str]
) -> None:
    video = await video_in(database.videos, status)
    await put_everywhere(storage, video.id)
    await sweeper(database, storage).run()
    assert await kept(storage, video.id) == stays


async def test_of_a_ready_video_stays_what_is_served_what_was_lately_and_what_its_run_makes(
    database: Database, storage: Storage
) -> None:
    video_id = (await video_in(database.videos, VideoStatus.READY)).id

    async def left() -> list[int]:
        await sweeper(database, storage).run()
        folder = processed_folder(str(video_id))
        return sorted({edition_of(file.key) async for file in storage.kept(folder)})

    await database.reprocessings.begin(video_id, "mobile", counts=False)
    for edition in (0, 2, 7):
        await publish_something(storage, str(video_id), edition=edition)
    await put(storage, work_key(str(video_id), "chunk.mp4"))
    assert await left() == [0, 2]
    assert await storage.size(work_key(str(video_id), "chunk.mp4")) is not None
    await database.reprocessings.finish(video_id, 2, PUBLISHED, keep=timedelta(hours=1))
    assert await left() == [0, 2]
    assert await storage.size(work_key(str(video_id), "chunk.mp4")) is None
    async with database.editions.removing(Edition(video_id, 0)):
        pass  # forgotten, and its files left behind
    assert await left() == [2]
    assert await storage.size(processed_key(str(video_id), "video.mp4", 2)) is not None


async def test_what_is_left_of_an_upload_that_ended_goes_and_of_one_that_goes_on_stays(
    database: Database, storage: Storage
) -> None:
    ended, goes_on = [await video_in(database.videos, VideoStatus.UPLOADING) for _ in range(2)]
    for video in (ended, goes_on):
        await put_original(storage, video.original_key, whole=False)
    await database.videos.interrupt_upload(ended.id, "Gone.")
    report = await sweeper(database, storage).run()
    assert report.removed == 1
    assert (await kept(storage, ended.id), await kept(storage, goes_on.id)) == ([], ["originals"])


@pytest.mark.parametrize("prefix", ["originals/", "processed/"])
async def test_what_was_begun_of_a_file_that_stays_goes_and_the_file_does_not(
    database: Database, storage: Storage, leave_unfinished: Callable[[str], Awaitable[None]], prefix: str
) -> None:
    video = await video_in(database.videos, VideoStatus.READY)
    key = video.original_key if prefix == "originals/" else processed_key(str(video.id), "video.mp4")
    await put(storage, key)
    await leave_unfinished(key)

    async def standing() -> list[bool]:
        return sorted([file.is_whole async for file in storage.kept(prefix) if file.key == key])

    assert (await sweeper(database, storage, timedelta(hours=1)).run()).removed == 0
    assert await standing() == [False, True]
    assert [stray.size_bytes async for stray in sweeper(database, storage).strays()] == [4]
    report = await sweeper(database, storage).run()
    assert (report.removed, report.failed, report.size_bytes) == (1, 0, 4)
    assert await standing() == [True]
    assert await storage.size(key) == 100


async def test_what_was_begun_and_is_taken_away_between_look_and_removal_counts_for_nothing(
    database: Database, storage: Storage, leave_unfinished: Callable[[str], Awaitable[None]]
) -> None:
    video = await video_in(database.videos, VideoStatus.READY)
    await put(storage, video.original_key)
    await leave_unfinished(video.original_key)

    class Meanwhile(Sweeper):
        async def strays(self) -> AsyncIterator[object]:  # type: ignore[override]
            async for stray in super().strays():
                await storage.delete_unfinished(video.original_key, datetime.now(UTC) + timedelta(seconds=60))
                yield stray

    report = await Meanwhile(database.editions, database.backlog, storage, AT_ONCE, always).run()
    assert (report.removed, report.failed, report.size_bytes) == (0, 0, 0)


async def test_the_parts_of_an_upload_that_ended_are_told_by_their_bytes(
    database: Database, bucket: Bucket, bucket_storage: BucketStorage
) -> None:
    video = await video_in(database.videos, VideoStatus.UPLOADING)
    await bucket.put_part(await bucket.begin_parts(video.original_key), 1, b"half")
    await database.videos.interrupt_upload(video.id, "Gone.")
    report = await sweeper(database, bucket_storage).run()
    assert (report.removed, report.size_bytes) == (1, 4)
    assert await bucket.all_unfinished("") == []


async def test_what_an_import_has_so_far_and_what_its_retry_goes_on_with_stays(
    database: Database, storage: Storage
) -> None:
    video = await video_in(database.videos, VideoStatus.PROCESSING)
    async with database.transaction() as session:
        row = await session.get_one(Video, video.id)
        row.uploaded_at, row.source_url = None, "https://example.org/clip.mp4"
    await put_original(storage, video.original_key, whole=False)
    assert (await sweeper(database, storage).run()).removed == 0
    assert await kept(storage, video.id) == ["originals"]


async def test_what_is_young_stays_and_a_look_removes_nothing(database: Database, storage: Storage) -> None:
    never = uuid4()
    await put_everywhere(storage, never)
    assert (await sweeper(database, storage, timedelta(hours=1)).run()).removed == 0
    strays = [stray async for stray in sweeper(database, storage).strays()]
    assert [(stray.video_id, stray.why) for stray in strays] == [(never, "there is no such video")] * 3
    assert await kept(storage, never) == ["originals", "processed", "work"]


async def test_a_pass_is_bounded_and_the_next_one_goes_on(database: Database, storage: Storage) -> None:
    for _ in range(3):
        await put(storage, work_key(str(uuid4()), "chunk.mp4"))
    one = sweeper(database, storage)
    assert [(await one.run(most=2)).removed for _ in range(3)] == [2, 1, 0]


async def test_a_video_that_is_retried_between_look_and_removal_keeps_its_files(
    database: Database, storage: Storage
) -> None:
    video = await video_in(database.videos, VideoStatus.ERROR)
    await put(storage, processed_key(str(video.id), "video.mp4"))

    class Meanwhile(Sweeper):
        async def strays(self) -> AsyncIterator[object]:  # type: ignore[override]
            found = [stray async for stray in super().strays()]
            await database.videos.start_retry(video.id)
            for stray in found:
                yield stray

    report = await Meanwhile(database.editions, database.backlog, storage, AT_ONCE, always).run()
    assert report.removed == 0
    assert await kept(storage, video.id) == ["processed"]


async def test_one_that_the_disk_holds_fast_holds_up_no_other(database: Database, tmp_path: Path) -> None:
    class Stuck(DiskStorage):
        async def delete_folder(self, prefix: str) -> None:
            if str(stuck) in prefix:
                raise StorageFailed("The disk is read-only.")
            await super().delete_folder(prefix)

    stuck, loose = uuid4(), uuid4()
    storage = Stuck(tmp_path / "uploads", tmp_path / "scratch")
    for video_id in (stuck, loose):
        await put(storage, work_key(str(video_id), "chunk.mp4"))
    report = await sweeper(database, storage).run()
    assert (report.removed, report.failed) == (1, 1)
    assert await kept(storage, loose) == []


async def test_one_that_takes_longer_than_its_row_can_be_held_holds_up_no_other(
    database_url: str, tmp_path: Path
) -> None:
    class Slow(DiskStorage):
        async def kept(self, prefix: str) -> AsyncIterator[Kept]:
            for file in sorted([file async for file in super().kept(prefix)], key=lambda file: str(loose) in file.key):
                yield file

        async def delete_folder(self, prefix: str) -> None:
            if str(slow) in prefix:
                await asyncio.sleep(60)
            await super().delete_folder(prefix)

    slow, loose = uuid4(), uuid4()
    storage = Slow(tmp_path / "uploads", tmp_path / "scratch")
    for video_id in (slow, loose):
        await put(storage, work_key(str(video_id), "chunk.mp4"))
    database = Database(database_url, pool_size=2, transaction_seconds=1)
    report = await sweeper(database, storage).run()
    assert (report.removed, report.failed) == (1, 1)
    assert await kept(storage, loose) == []
    await database.dispose()
