"""What killed processes began to put into a bucket goes, whoever else puts the same file at that moment."""

import asyncio
from datetime import UTC, datetime, timedelta

from contracts.storage_keys import processed_key
from storage.bucket import BucketStorage
from storage.bucket_objects import Bucket
from storage.bucket_records import Part, PutParts
from tests.fixtures.noise import noise
from tests.storage.conftest import Place
from tests.storage.originals import put_original
from tests.storage.published import content_of, publish_something, write_work

KEY = "work/v1/chunk-001.mp4"
PUBLISHED = processed_key("v1", "video.mp4")
PIECE_BYTES = 16 * 1024 * 1024
LARGE = noise(PIECE_BYTES + 100)
LONG_AGO, SOON = [datetime.now(UTC) + timedelta(minutes=minutes) for minutes in (-10, 10)]
"""By a clock that may be another than the bucket's."""


async def leave_unfinished(bucket: Bucket, key: str) -> PutParts:
    """As a process does that is killed while it puts the second part."""
    begun = await bucket.begin_parts(key)
    await bucket.put_part(begun, 1, noise(PIECE_BYTES, seed=1))
    return begun


async def test_parts_of_killed_attempts_go_when_the_next_one_puts_the_same_file(
    bucket: Bucket, bucket_storage: BucketStorage
) -> None:
    await leave_unfinished(bucket, KEY)
    elsewhere = await leave_unfinished(bucket, "work/v1/chunk-002.mp4")
    await write_work(bucket_storage, "v1", "chunk-001.mp4", LARGE)
    assert [begun for begun, _ in await bucket.all_unfinished("")] == [elsewhere]
    assert await content_of(bucket_storage, KEY) == LARGE


async def test_parts_of_killed_publications_go_when_the_next_one_publishes_the_same(
    bucket: Bucket, bucket_storage: BucketStorage
) -> None:
    await leave_unfinished(bucket, PUBLISHED)
    await write_work(bucket_storage, "v1", "chunk-001.mp4", LARGE)
    assert await bucket.copy(KEY, PUBLISHED, len(LARGE), at_once_bytes=PIECE_BYTES)
    assert await bucket.all_unfinished("") == []
    assert await content_of(bucket_storage, PUBLISHED) == LARGE


async def test_who_loses_its_parts_to_one_that_was_held_up_begins_once_more_and_both_come_to_an_end(
    bucket: Bucket,
) -> None:
    has_put, second_begins, may_go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
    beginnings = []

    async def put(begun: PutParts) -> bool:
        beginnings.append(begun)
        if len(beginnings) > 1:
            second_begins.set()
        parts = [await bucket.put_part(begun, 1, LARGE)]
        has_put.set()
        await may_go_on.wait()
        return await bucket.finish_parts(begun, parts)

    putting = asyncio.create_task(bucket.in_parts(KEY, put))
    await has_put.wait()
    held_up = asyncio.create_task(bucket.in_parts(KEY, put))
    await second_begins.wait()  # the parts of the first are gone
    may_go_on.set()
    assert sorted([await putting, await held_up]) == [False, True]
    assert len(beginnings) == 3
    assert await bucket.all_unfinished("") == []
    found = await bucket.head(KEY)
    assert found is not None
    assert found.size_bytes == len(LARGE)


async def test_what_was_begun_of_a_published_file_goes_with_it(bucket: Bucket, bucket_storage: BucketStorage) -> None:
    await leave_unfinished(bucket, PUBLISHED)
    await bucket_storage.delete(PUBLISHED)
    assert await bucket.all_unfinished("") == []


async def test_what_nobody_has_written_to_for_long_goes_and_the_file_beside_it_stays(
    bucket: Bucket, bucket_storage: BucketStorage
) -> None:
    await publish_something(bucket_storage, "v1")
    await leave_unfinished(bucket, PUBLISHED)
    assert await bucket_storage.delete_unfinished(PUBLISHED, LONG_AGO) is None
    assert len(await bucket.all_unfinished("")) == 1
    assert await bucket_storage.delete_unfinished(PUBLISHED, SOON) == PIECE_BYTES
    assert await bucket.all_unfinished("") == []
    assert await content_of(bucket_storage, PUBLISHED) == b"video"


async def test_parts_that_were_begun_long_ago_stay_while_others_come_after_them(
    bucket: Bucket, bucket_storage: BucketStorage
) -> None:
    begun = await leave_unfinished(bucket, PUBLISHED)
    ((_, began),) = await bucket.all_unfinished("")
    while (newest := (await bucket.put_so_far(begun))[1]) is None or newest <= began:
        await asyncio.sleep(0.2)  # its times are whole seconds
        await bucket.put_part(begun, 2, b"the last")
    assert await bucket_storage.delete_unfinished(PUBLISHED, began + timedelta(milliseconds=1)) is None
    (kept,) = [kept async for kept in bucket_storage.kept("processed/")]
    assert kept.modified > began, "no sweep takes them for old"
    assert kept.size_bytes >= PIECE_BYTES
    assert isinstance((await bucket.parts(begun))[0], Part)


async def test_what_an_upload_left_beside_its_file_is_told_from_it(place: Place) -> None:
    key = "originals/v1.mp4"
    await put_original(place.storage, key, whole=False)
    assert [kept.is_whole async for kept in place.storage.kept("originals/")] == [False]
    await place.storage.delete_unfinished(key, SOON)
    assert [kept.is_whole async for kept in place.storage.kept("originals/")] == []
    await put_original(place.storage, key)
    await place.storage.delete_unfinished(key, SOON)
    assert [kept.is_whole async for kept in place.storage.kept("originals/")] == [True]
