"""A cancel that was accepted ends in ``cancelled``: the row decides, whatever its run does."""

import asyncio
from uuid import uuid4

import pytest

from contracts.errors import ErrorCode, StatusConflict, VideoCancelled
from contracts.status import VideoStatus
from database.engine import Database
from database.tables import Video
from tests.database.samples import PUBLISHED, video_in


async def stored(database: Database, video: Video) -> Video:
    found = await database.videos.get(video.id)
    assert found is not None
    return found


async def cancelled_while_processing(database: Database) -> Video:
    video = await video_in(database.videos, VideoStatus.PROCESSING)
    assert await database.videos.request_cancel(video.id, 1)
    return await stored(database, video)


async def test_a_cancel_is_noted_once_and_the_row_goes_on_processing(database: Database) -> None:
    video = await cancelled_while_processing(database)
    assert await database.videos.request_cancel(video.id, 1)
    again = await stored(database, video)
    assert again.status == VideoStatus.PROCESSING
    assert again.cancel_requested_at is not None
    assert again.cancel_requested_at == video.cancel_requested_at


@pytest.mark.parametrize("status", [VideoStatus.UPLOADING, VideoStatus.READY, VideoStatus.ERROR])
async def test_only_a_row_in_processing_takes_the_note(database: Database, status: VideoStatus) -> None:
    video = await video_in(database.videos, status)
    assert not await database.videos.request_cancel(video.id, 1)
    assert await stored(database, video) == video


async def test_a_cancel_of_an_earlier_attempt_does_not_hit_the_retry(database: Database) -> None:
    failed = await video_in(database.videos, VideoStatus.ERROR)
    retried = await database.videos.start_retry(failed.id)
    assert not await database.videos.request_cancel(failed.id, 1)
    assert await stored(database, failed) == retried


async def test_a_cancelled_row_never_becomes_ready(database: Database) -> None:
    video = await cancelled_while_processing(database)
    with pytest.raises(VideoCancelled):
        await database.videos.mark_ready(video.id, 1, PUBLISHED)
    assert await stored(database, video) == video


@pytest.mark.parametrize("code", [ErrorCode.CANCELLED, ErrorCode.TRANSCODE_FAILED, ErrorCode.PROCESSING_LOST])
async def test_whatever_a_run_says_a_cancelled_row_ends_as_cancelled(database: Database, code: ErrorCode) -> None:
    video = await cancelled_while_processing(database)
    for _ in range(2):
        assert await database.videos.mark_error(video.id, 1, code, "The run's own reason.")
    ended = await stored(database, video)
    assert (ended.status, ended.error_code) == (VideoStatus.ERROR, ErrorCode.CANCELLED)
    assert ended.error_reason == "The video was cancelled."


async def test_a_run_may_begin_for_a_row_that_waits_for_it_and_no_other(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.PROCESSING)
    await database.videos.claim(video.id, 1)
    assert await stored(database, video) == video
    with pytest.raises(StatusConflict, match="attempt 1"):
        await database.videos.claim(video.id, 2)
    with pytest.raises(StatusConflict, match="it was deleted"):
        await database.videos.claim(uuid4(), 1)


@pytest.mark.parametrize("status", [VideoStatus.UPLOADING, VideoStatus.READY, VideoStatus.ERROR])
async def test_no_run_begins_for_a_row_that_is_not_processing(database: Database, status: VideoStatus) -> None:
    video = await video_in(database.videos, status)
    with pytest.raises(StatusConflict, match=f"it is in {status}"):
        await database.videos.claim(video.id, 1)


async def test_no_run_begins_for_a_cancelled_row(database: Database) -> None:
    video = await cancelled_while_processing(database)
    with pytest.raises(VideoCancelled):
        await database.videos.claim(video.id, 1)


async def test_a_retry_forgets_the_cancel(database: Database) -> None:
    video = await cancelled_while_processing(database)
    assert await database.videos.mark_error(video.id, 1, ErrorCode.CANCELLED, "Cancelled.")
    retried = await database.videos.start_retry(video.id)
    assert retried.cancel_requested_at is None
    await database.videos.claim(video.id, 2)
    await database.videos.mark_ready(video.id, 2, PUBLISHED)


async def test_of_ready_and_cancel_at_once_the_one_that_was_accepted_holds(database: Database) -> None:
    accepted = 0
    for round_number in range(60):
        video = await video_in(database.videos, VideoStatus.PROCESSING)
        ready = database.videos.mark_ready(video.id, 1, PUBLISHED)
        cancel = database.videos.request_cancel(video.id, 1)
        first, second = (ready, cancel) if round_number % 2 else (cancel, ready)
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
        was_accepted = True in outcomes
        accepted += was_accepted
        if was_accepted:
            assert any(isinstance(outcome, VideoCancelled) for outcome in outcomes)
            await database.videos.mark_error(video.id, 1, ErrorCode.INTERNAL, "The run's own reason.")
        ended = await stored(database, video)
        expected = (VideoStatus.ERROR, ErrorCode.CANCELLED) if was_accepted else (VideoStatus.READY, None)
        assert (ended.status, ended.error_code) == expected
    assert 0 < accepted < 60, "both ends were seen"
