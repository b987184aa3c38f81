"""A video that is being deleted: nobody sees it, nothing changes it, and its row goes last."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from contracts.errors import ErrorCode, StatusConflict
from contracts.refusals import QuotaExceeded
from contracts.status import SEEN_STATUSES, VideoStatus, Visibility
from database.engine import Database
from database.pages import VideoFilter
from database.records import FetchedOriginal, VideoChange
from tests.database.samples import PUBLISHED, SHA256, let_go, new_video, video_in


async def status_in_the_table(database: Database, video_id: object) -> str | None:
    """What the row says, though nobody is shown it."""
    async with database.videos.held(video_id) as row:  # type: ignore[arg-type] # any id
        return row.status if row is not None else None


@pytest.mark.parametrize("status", SEEN_STATUSES)
async def test_a_video_of_any_status_can_be_deleted_once(database: Database, status: VideoStatus) -> None:
    video = await video_in(database.videos, status)
    assert await database.deletions.begin(video.id)
    assert not await database.deletions.begin(video.id)
    assert await status_in_the_table(database, video.id) == "deleting"


async def test_an_upload_that_was_just_finished_is_not_deleted_as_an_unfinished_one(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.UPLOADING)
    other = await video_in(database.videos, VideoStatus.PROCESSING)
    assert await database.deletions.begin(video.id, among=(VideoStatus.UPLOADING,))
    assert not await database.deletions.begin(other.id, among=(VideoStatus.UPLOADING,))
    assert await status_in_the_table(database, other.id) == "processing"


async def test_nobody_sees_a_video_that_is_being_deleted(database: Database) -> None:
    video, other = [await video_in(database.videos, VideoStatus.READY) for _ in range(2)]
    await database.deletions.begin(video.id)
    assert await database.videos.get(video.id) is None
    page = await database.videos.list_page("local", limit=10, after=None)
    assert [seen.id for seen in page.videos] == [other.id]
    asked_for = VideoFilter(status=VideoStatus.DELETING)
    assert (await database.videos.list_page(None, limit=10, after=None, wanted=asked_for)).videos == ()
    assert await database.videos.change(video.id, VideoChange(visibility=Visibility.PUBLIC)) is None
    counted = await database.videos.count_by_status()
    assert (counted[VideoStatus.READY], counted[VideoStatus.DELETING]) == (1, 1)


@pytest.mark.parametrize("status", SEEN_STATUSES)
async def test_nothing_changes_a_row_that_is_being_deleted(database: Database, status: VideoStatus) -> None:
    video = await video_in(database.videos, status)
    lease = uuid4()
    if status == VideoStatus.UPLOADING:
        assert await database.upload_leases.take(video.id, lease, 60)
    await database.deletions.begin(video.id)
    videos = database.videos
    for changed in (
        lambda: videos.finish_upload(video.id, file_size_bytes=1, content_sha256=SHA256),
        lambda: videos.claim(video.id, 1),
        lambda: videos.finish_fetch(video.id, 1, FetchedOriginal(1, SHA256)),
        lambda: videos.mark_ready(video.id, 1, PUBLISHED),
        lambda: videos.start_retry(video.id),
    ):
        with pytest.raises(StatusConflict, match="it was deleted"):
            await changed()
    assert not await videos.mark_error(video.id, 1, ErrorCode.INTERNAL, "Too late.")
    assert not await videos.request_cancel(video.id, 1)
    assert not await videos.cancel_unstarted(video.id, None)
    assert not await videos.interrupt_upload(video.id, "Too late.")
    assert not await database.backlog.expire(video.id)
    assert not await database.upload_leases.renew(video.id, lease, 60, offset=1, expires_seconds=60)
    assert await database.upload_leases.take(video.id, uuid4(), 60) is None
    async with videos.held_unless_ready(video.id, 1) as published_files_are_unwanted:
        assert published_files_are_unwanted
    assert await status_in_the_table(database, video.id) == "deleting"


async def test_the_key_of_a_deleted_video_is_free_at_once(database: Database) -> None:
    first = await database.videos.create_uploading(new_video(), "key")
    await database.deletions.begin(first.id)
    assert await database.videos.find_by_idempotency_key("local", "key") is None
    second = await database.videos.create_uploading(new_video(), "key")
    await database.deletions.finish(first.id)
    found = await database.videos.find_by_idempotency_key("local", "key")
    assert found is not None
    assert found.id == second.id


async def test_only_a_row_that_is_being_deleted_is_removed(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.READY)
    with pytest.raises(StatusConflict, match="is not being deleted: it is in ready"):
        await database.deletions.check(video.id)
    await database.deletions.finish(video.id)
    assert await database.videos.get(video.id) == video
    await database.deletions.begin(video.id)
    for _ in range(2):
        await database.deletions.check(video.id)
        await database.deletions.finish(video.id)
    assert await status_in_the_table(database, video.id) is None


async def test_what_is_being_deleted_counts_until_it_is_gone(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.READY, "anna")
    await database.deletions.begin(video.id)
    _, usage = await database.accounts.user("anna")
    assert (usage.stored_bytes, usage.deleting_bytes) == (1000, 1000)
    await database.deletions.finish(video.id)
    _, usage = await database.accounts.user("anna")
    assert (usage.stored_bytes, usage.deleting_bytes) == (0, 0)


async def test_what_is_published_counts_as_its_original_does(database: Database) -> None:
    video = await database.videos.create_uploading(new_video("anna"))
    await database.videos.finish_upload(video.id, file_size_bytes=1000, content_sha256=SHA256)
    await database.accounts.set_limits("anna", {"max_stored_bytes": 1100})
    published = replace(PUBLISHED, published_bytes=200, thumbnail_bytes=30)
    await database.videos.mark_ready(video.id, 1, published)
    _, usage = await database.accounts.user("anna")
    assert usage.stored_bytes == 1230
    assert [told.stored_bytes for _, told in await database.accounts.users()] == [1230]
    with pytest.raises(QuotaExceeded, match=r"1\.2 KiB of 1\.1 KiB are used"):
        await database.videos.create_uploading(new_video("anna"))
    await database.deletions.begin(video.id)
    _, usage = await database.accounts.user("anna")
    assert (usage.stored_bytes, usage.deleting_bytes) == (1230, 1230)


async def test_deletions_that_nobody_has_in_hand_are_due(database: Database) -> None:
    first, second = [await video_in(database.videos, VideoStatus.READY) for _ in range(2)]
    await video_in(database.videos, VideoStatus.READY)
    for video in (first, second):
        await database.deletions.begin(video.id)
    assert await database.deletions.due(limit=10) == []
    await let_go(database)
    due = await database.deletions.due(limit=10)
    assert {video.id for video in due} == {first.id, second.id}
    await database.backlog.look_again(due[0], timedelta(minutes=1))
    again = await database.deletions.due(limit=10)
    assert [video.id for video in again] == [due[1].id]
