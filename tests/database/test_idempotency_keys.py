"""The same ``Idempotency-Key`` makes one video, unless its upload never finished."""

import asyncio

import pytest

from contracts.errors import ErrorCode
from database.engine import Database
from database.tables import Video
from database.videos import IdempotencyKeyTaken
from tests.database.samples import PUBLISHED, SHA256, new_video


async def finish(database: Database, video: Video) -> None:
    """Complete the upload."""
    await database.videos.finish_upload(video.id, file_size_bytes=1, content_sha256=SHA256)


async def test_a_key_that_is_taken_gives_the_first_video_and_inserts_nothing(database: Database) -> None:
    first = await database.videos.create_uploading(new_video(), "key-1")
    second = new_video()
    with pytest.raises(IdempotencyKeyTaken) as taken:
        await database.videos.create_uploading(second, "key-1")
    assert taken.value.video == first
    assert await database.videos.get(second.id) is None
    assert await database.videos.find_by_idempotency_key("local", "key-1") == first


async def test_a_key_belongs_to_its_user_alone(database: Database) -> None:
    await database.videos.create_uploading(new_video("anna"), "key-1")
    assert await database.videos.find_by_idempotency_key("berta", "key-1") is None
    await database.videos.create_uploading(new_video("berta"), "key-1")
    await database.videos.create_uploading(new_video("anna"), "key-2")


@pytest.mark.parametrize("ending", ["interrupted", "cancelled"])
async def test_a_key_whose_upload_never_finished_may_be_used_again(database: Database, ending: str) -> None:
    first = await database.videos.create_uploading(new_video(), "key-1")
    if ending == "interrupted":
        assert await database.videos.interrupt_upload(first.id, "The client went away.")
    else:
        assert await database.videos.cancel_unstarted(first.id, None)
    assert await database.videos.find_by_idempotency_key("local", "key-1") is None
    second = await database.videos.create_uploading(new_video(), "key-1")
    assert await database.videos.find_by_idempotency_key("local", "key-1") == second
    with pytest.raises(IdempotencyKeyTaken) as taken:
        await database.videos.create_uploading(new_video(), "key-1")
    assert taken.value.video.id == second.id
    assert await database.videos.get(first.id) is not None


async def test_a_key_stays_with_a_video_whose_processing_failed_was_cancelled_or_done(database: Database) -> None:
    failed = await database.videos.create_uploading(new_video(), "failed")
    cancelled = await database.videos.create_uploading(new_video(), "cancelled")
    ready = await database.videos.create_uploading(new_video(), "ready")
    for video in (failed, cancelled, ready):
        await finish(database, video)
    assert await database.videos.mark_error(failed.id, 1, ErrorCode.INVALID_MEDIA, "Not a video.")
    assert await database.videos.cancel_unstarted(cancelled.id, 1)
    await database.videos.mark_ready(ready.id, 1, PUBLISHED)
    for key, video in (("failed", failed), ("cancelled", cancelled), ("ready", ready)):
        found = await database.videos.find_by_idempotency_key("local", key)
        assert found is not None
        assert found.id == video.id
        with pytest.raises(IdempotencyKeyTaken):
            await database.videos.create_uploading(new_video(), key)


async def test_deleting_the_video_frees_its_key(database: Database) -> None:
    first = await database.videos.create_uploading(new_video(), "key-1")
    assert await database.videos.delete(first.id)
    assert await database.videos.find_by_idempotency_key("local", "key-1") is None
    await database.videos.create_uploading(new_video(), "key-1")


@pytest.mark.parametrize("earlier_upload", ["none", "interrupted"])
async def test_of_twenty_uploads_with_one_key_at_once_exactly_one_begins(
    database: Database, earlier_upload: str
) -> None:
    if earlier_upload == "interrupted":
        earlier = await database.videos.create_uploading(new_video(), "key-1")
        assert await database.videos.interrupt_upload(earlier.id, "The client went away.")
    outcomes = await asyncio.gather(
        *(database.videos.create_uploading(new_video(), "key-1") for _ in range(20)), return_exceptions=True
    )
    begun = [outcome for outcome in outcomes if isinstance(outcome, Video)]
    taken = [outcome.video.id for outcome in outcomes if isinstance(outcome, IdempotencyKeyTaken)]
    assert len(begun) == 1
    assert taken == [begun[0].id] * 19
    counted = await database.videos.count_by_status()
    assert sum(counted.values()) == (2 if earlier_upload == "interrupted" else 1)
