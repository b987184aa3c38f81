"""Rows and stored files are compared, and what differs is named once, with what can be done about it."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from contracts.storage_keys import original_key, processed_key, work_key
from database.engine import Database
from database.records import NewVideo, PublishedVideo
from runs.sweep import Sweeper
from runs.verify import Discrepancy, Fault, Verifier
from storage.disk import DiskStorage
from storage.hashing import sha256_of
from tests.runs.test_sweep import AT_ONCE
from tests.runs.test_sweep import sweeper as sweeper_of_every_age
from tests.storage.published import PICTURE, publish_something

ORIGINAL, VIDEO = b"the original", b"the video"


@pytest.fixture
def storage(tmp_path: Path) -> DiskStorage:
    return DiskStorage(tmp_path / "uploads", tmp_path / "scratch")


async def ready_video(database: Database, storage: DiskStorage) -> UUID:
    """A video in ``ready`` with all its files, and what the row tells of them."""
    video_id = uuid4()
    key = original_key(str(video_id), ".mp4")
    writer = await storage.create_original(key)
    await writer.write(ORIGINAL)
    await writer.commit()
    await database.videos.create_uploading(
        NewVideo(video_id, "local", "A clip", "clip.mp4", key, upload_expires_seconds=1e9)
    )
    digest = await sha256_of(storage, key)
    await database.videos.finish_upload(video_id, file_size_bytes=len(ORIGINAL), content_sha256=digest)
    await publish_something(storage, str(video_id), VIDEO)
    of_video = await sha256_of(storage, processed_key(str(video_id), "video.mp4"))
    of_picture = await sha256_of(storage, processed_key(str(video_id), "thumbnail.jpg"))
    published = PublishedVideo("/v", "/t", 1.0, 2, 2, (), len(VIDEO), of_video, len(PICTURE), of_picture)
    await database.videos.mark_ready(video_id, 1, published)
    return video_id


async def found(database: Database, storage: DiskStorage, *, hashes: bool = True) -> list[Discrepancy]:
    sweeper = sweeper_of_every_age(database, storage)
    verifier = Verifier(database.backlog, storage, sweeper, hashes=hashes)
    return [discrepancy async for discrepancy in verifier.discrepancies()]


def path_of(tmp_path: Path, video_id: UUID, name: str) -> Path:
    uploads = tmp_path / "uploads"
    return (
        uploads / "originals" / f"{video_id}.mp4"
        if name == "original"
        else uploads / "processed" / str(video_id) / name
    )


async def test_what_is_as_the_row_says_is_not_named(database: Database, storage: DiskStorage) -> None:
    for _ in range(3):
        await ready_video(database, storage)
    assert await found(database, storage) == []


async def test_of_a_video_that_was_made_anew_what_is_served_is_compared(
    database: Database, storage: DiskStorage, tmp_path: Path
) -> None:
    video_id = await ready_video(database, storage)
    await database.reprocessings.begin(video_id, "mobile", counts=False)
    await publish_something(storage, str(video_id), b"made anew", edition=2)
    of_video = await sha256_of(storage, processed_key(str(video_id), "video.mp4", 2))
    anew = PublishedVideo("/v", "/t", 1.0, 2, 2, (), len(b"made anew"), of_video, len(PICTURE))
    await database.reprocessings.finish(video_id, 2, anew, keep=timedelta(hours=1))
    assert await found(database, storage) == []
    path_of(tmp_path, video_id, "2/video.mp4").write_bytes(b"damaged")
    assert [(one.key, one.repairable) for one in await found(database, storage)] == [
        (processed_key(str(video_id), "video.mp4", 2), True)
    ]


@pytest.mark.parametrize(
    ("name", "content", "fault", "repairable"),
    [
        ("original", None, Fault.MISSING, False),
        ("original", b"short", Fault.ANOTHER_SIZE, False),
        ("original", ORIGINAL.upper(), Fault.ANOTHER_CONTENT, False),
        ("video.mp4", None, Fault.MISSING, True),
        ("video.mp4", b"short", Fault.ANOTHER_SIZE, True),
        ("video.mp4", VIDEO.upper(), Fault.ANOTHER_CONTENT, True),
        ("thumbnail.jpg", None, Fault.MISSING, True),
        ("thumbnail.jpg", b"", Fault.ANOTHER_SIZE, True),
        ("thumbnail.jpg", PICTURE.upper(), Fault.ANOTHER_CONTENT, True),
    ],
)
async def test_a_file_that_is_not_as_the_row_says_is_named(
    database: Database,
    storage: DiskStorage,
    tmp_path: Path,
    name: str,
    content: bytes | None,
    fault: Fault,
    repairable: bool,
) -> None:
    await ready_video(database, storage)
    video_id = await ready_video(database, storage)
    path = path_of(tmp_path, video_id, name)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    (discrepancy,) = await found(database, storage)
    assert (discrepancy.video_id, discrepancy.fault, discrepancy.repairable) == (video_id, fault, repairable)
    quick = await found(database, storage, hashes=False)
    assert len(quick) == (0 if fault is Fault.ANOTHER_CONTENT else 1)


async def test_what_has_lost_its_original_too_can_t_be_made_again(
    database: Database, storage: DiskStorage, tmp_path: Path
) -> None:
    video_id = await ready_video(database, storage)
    for name in ("original", "video.mp4", "thumbnail.jpg"):
        path_of(tmp_path, video_id, name).unlink()
    assert [(one.fault, one.repairable) for one in await found(database, storage)] == [(Fault.MISSING, False)] * 3


async def test_of_what_an_older_version_published_there_is_no_hash_and_the_sizes_are_compared(
    database: Database, storage: DiskStorage, tmp_path: Path
) -> None:
    video_id = await ready_video(database, storage)
    async with database.transaction() as session:
        await session.execute(text("UPDATE videos SET thumbnail_sha256 = NULL"))
    picture = path_of(tmp_path, video_id, "thumbnail.jpg")
    picture.write_bytes(PICTURE.upper())
    assert await found(database, storage) == []
    picture.write_bytes(b"")
    assert [one.fault for one in await found(database, storage)] == [Fault.ANOTHER_SIZE]


async def test_files_of_which_no_row_speaks_are_too_much(
    database: Database, storage: DiskStorage, tmp_path: Path
) -> None:
    video_id = await ready_video(database, storage)
    await database.videos.delete(video_id)
    for file in (tmp_path / "uploads").rglob("*.*"):
        os.utime(file, (0, 0))
    keys = {(one.key, one.fault) for one in await found(database, storage)}
    assert keys == {
        (f"originals/{video_id}.mp4", Fault.TOO_MUCH),
        (f"processed/{video_id}/", Fault.TOO_MUCH),
    }


async def test_what_came_minutes_ago_and_is_not_in_rows_that_were_put_back_is_named_and_no_sweep_takes_it(
    database: Database, storage: DiskStorage, tmp_path: Path
) -> None:
    accepted, deleted, finished = [await ready_video(database, storage) for _ in range(3)]
    async with storage.create(work_key(str(finished), "chunk.mp4")) as path:
        path.write_bytes(b"its run is about to remove this")
    await database.videos.delete(accepted)
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM events"))  # as rows are that are of before
    await database.videos.delete(deleted)
    for file in (tmp_path / "uploads").rglob("*.*"):
        os.utime(file, (time.time() - 300,) * 2)

    async def since_now() -> datetime:
        return datetime.now(UTC)

    sweeper = Sweeper(database.editions, database.backlog, storage, timedelta(days=1), since_now)
    verifier = Verifier(database.backlog, storage, sweeper, hashes=True)
    told = (
        "there is no such video, but it came 5 min ago, and may be on its way; "
        "`rushes sweep --all` removes it once it is RUSHES_SWEEP_AGE_SECONDS old"
    )
    assert [(one.key, one.fault, one.told) async for one in verifier.discrepancies()] == [
        (f"originals/{accepted}.mp4", Fault.TOO_MUCH, told),
        (f"processed/{accepted}/", Fault.TOO_MUCH, told),
    ]
    assert (await sweeper.run(from_before=True)).removed == 0
    assert [stray async for stray in sweeper.strays()] == []


async def test_a_whole_original_of_an_import_whose_row_says_that_it_never_came_is_to_be_retried(
    database: Database, storage: DiskStorage
) -> None:
    video_id = await ready_video(database, storage)
    never_came = "UPDATE videos SET status = 'error', uploaded_at = NULL, source_url = 'https://example.org/clip.mp4'"
    async with database.transaction() as session:
        await session.execute(text(never_came))
    await storage.delete_folder(f"processed/{video_id}/")

    async def since_now() -> datetime:
        return datetime.now(UTC)

    sweeper = Sweeper(database.editions, database.backlog, storage, AT_ONCE, since_now)
    verifier = Verifier(database.backlog, storage, sweeper, hashes=True)
    assert [(one.key, one.told) async for one in verifier.discrepancies()] == [
        (
            original_key(str(video_id), ".mp4"),
            f"not all of it ever came; yet it is whole: `rushes retry {video_id}` makes the video of it, "
            "`rushes sweep --all` removes it",
        )
    ]
