"""Each query keeps its promise, on a real PostgreSQL."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from contracts.errors import ErrorCode, StatusConflict
from contracts.status import VideoStatus
from contracts.warnings import VideoWarning
from database.engine import Database
from database.records import VideoChange
from database.tables import Video
from tests.database.samples import PUBLISHED, SHA256, let_go, new_video, video_in


async def test_a_new_upload_is_a_row_in_uploading(database: Database) -> None:
    new = new_video()
    made = await database.videos.create_uploading(new)
    stored = await database.videos.get(new.id)
    assert stored == made
    assert stored is not None
    assert (stored.status, stored.attempt, stored.title) == (VideoStatus.UPLOADING, 1, "A holiday")
    assert await database.upload_leases.left_seconds(new.id) == pytest.approx(3600, abs=60)
    assert stored.created_at.tzinfo is not None


async def test_a_video_is_found_by_its_owner_only(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.READY, user_id="anna")
    assert await database.videos.get(video.id, "anna") is not None
    assert await database.videos.get(video.id, "berta") is None
    assert await database.videos.get(uuid4()) is None


async def test_a_finished_upload_is_processing_with_size_and_hash(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.UPLOADING)
    done = await database.videos.finish_upload(video.id, file_size_bytes=7_000_000_000, content_sha256=SHA256)
    assert done == await database.videos.get(video.id)
    assert (done.status, done.file_size_bytes) == (VideoStatus.PROCESSING, 7_000_000_000)
    assert (done.content_sha256, done.upload_expires_at) == (SHA256, None)
    assert done.updated_at > video.updated_at


@pytest.mark.parametrize("status", [VideoStatus.PROCESSING, VideoStatus.READY, VideoStatus.ERROR])
async def test_only_an_upload_that_runs_can_finish_or_be_interrupted(database: Database, status: VideoStatus) -> None:
    video = await video_in(database.videos, status)
    with pytest.raises(StatusConflict, match=f"it is in {status}"):
        await database.videos.finish_upload(video.id, file_size_bytes=1, content_sha256=SHA256)
    with pytest.raises(StatusConflict, match=f"it is in {status}"):
        await database.videos.describe_upload(video.id, title="New", profile=None, user_metadata={})
    assert not await database.videos.interrupt_upload(video.id, "The client went away.")
    assert await database.videos.get(video.id) == video


async def test_an_interrupted_upload_is_in_error_with_its_reason(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.UPLOADING)
    assert await database.videos.interrupt_upload(video.id, "The client went away.")
    stored = await database.videos.get(video.id)
    assert stored is not None
    assert (stored.status, stored.error_code) == (VideoStatus.ERROR, ErrorCode.UPLOAD_INTERRUPTED)
    assert (stored.error_reason, stored.upload_expires_at) == ("The client went away.", None)


async def test_a_ready_video_has_all_that_a_player_needs(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.READY)
    assert (video.url_mp4, video.thumbnail) == (PUBLISHED.url_mp4, PUBLISHED.thumbnail)
    assert (video.duration_seconds, video.width, video.height) == (10.04, 1280, 720)


async def test_a_ready_video_keeps_its_warnings_in_their_order_until_it_is_retried(database: Database) -> None:
    warnings = (VideoWarning("sound_left_out", "One of two tracks: bad\x00 byte."), VideoWarning("a_code", "動画 🎬"))
    video = await video_in(database.videos, VideoStatus.PROCESSING)
    await database.videos.mark_ready(video.id, 1, replace(PUBLISHED, warnings=warnings))
    stored = await database.videos.get(video.id)
    assert stored is not None
    assert stored.warnings == [
        {"code": "sound_left_out", "message": "One of two tracks: bad byte."},
        {"code": "a_code", "message": "動画 🎬"},
    ]
    async with database.transaction() as session:
        await session.execute(text("UPDATE videos SET status = 'error'"))
    assert (await database.videos.start_retry(video.id)).warnings == []


async def test_a_video_keeps_the_profile_that_it_was_uploaded_with(database: Database) -> None:
    plain = await database.videos.create_uploading(new_video())
    chosen = await database.videos.create_uploading(replace(new_video(), profile="archive"))
    assert (plain.profile, chosen.profile) == ("web", "archive")
    assert await database.videos.get(chosen.id) == chosen


async def test_marking_ready_twice_changes_nothing(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.READY)
    await database.videos.mark_ready(video.id, 1, PUBLISHED)
    assert await database.videos.get(video.id) == video


@pytest.mark.parametrize("status", [VideoStatus.UPLOADING, VideoStatus.ERROR])
async def test_a_video_that_is_not_processing_never_becomes_ready(database: Database, status: VideoStatus) -> None:
    video = await video_in(database.videos, status)
    with pytest.raises(StatusConflict):
        await database.videos.mark_ready(video.id, 1, PUBLISHED)
    assert await database.videos.get(video.id) == video


async def test_a_run_of_an_earlier_attempt_cannot_change_the_row(database: Database) -> None:
    failed = await video_in(database.videos, VideoStatus.ERROR)
    retried = await database.videos.start_retry(failed.id)
    with pytest.raises(StatusConflict, match="attempt 2"):
        await database.videos.mark_ready(failed.id, 1, PUBLISHED)
    assert not await database.videos.mark_error(failed.id, 1, ErrorCode.INTERNAL, "Too late.")
    assert not await database.videos.cancel_unstarted(failed.id, 1)
    assert await database.videos.get(failed.id) == retried


async def test_a_ready_video_of_another_attempt_is_a_conflict(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.READY)
    with pytest.raises(StatusConflict):
        await database.videos.mark_ready(video.id, 2, PUBLISHED)


async def test_marking_an_error_twice_is_true_both_times_and_keeps_the_first_reason(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.PROCESSING)
    assert await database.videos.mark_error(video.id, 1, ErrorCode.TRANSCODE_FAILED, "First.")
    assert await database.videos.mark_error(video.id, 1, ErrorCode.TRANSCODE_FAILED, "Second.")
    assert not await database.videos.mark_error(video.id, 1, ErrorCode.INTERNAL, "Another.")
    stored = await database.videos.get(video.id)
    assert stored is not None
    assert (stored.error_code, stored.error_reason) == (ErrorCode.TRANSCODE_FAILED, "First.")


async def test_a_reason_may_hold_whatever_a_program_wrote(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.PROCESSING)
    assert await database.videos.mark_error(video.id, 1, ErrorCode.INTERNAL, "bad\x00 byte \udcff, 動画 🎬")
    stored = await database.videos.get(video.id)
    assert stored is not None
    assert stored.error_reason == "bad byte ?, 動画 🎬"


async def test_a_deleted_video_is_gone_for_every_change(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.PROCESSING)
    assert await database.videos.delete(video.id)
    assert not await database.videos.delete(video.id)
    with pytest.raises(StatusConflict, match="it was deleted"):
        await database.videos.mark_ready(video.id, 1, PUBLISHED)
    with pytest.raises(StatusConflict, match="it was deleted"):
        await database.videos.start_retry(video.id)
    assert not await database.videos.mark_error(video.id, 1, ErrorCode.INTERNAL, "Gone.")


@pytest.mark.parametrize("status", [VideoStatus.UPLOADING, VideoStatus.PROCESSING])
async def test_a_video_that_nothing_runs_for_is_cancelled_in_the_row(database: Database, status: VideoStatus) -> None:
    video = await video_in(database.videos, status)
    assert await database.videos.cancel_unstarted(video.id, None)
    assert not await database.videos.cancel_unstarted(video.id, None)
    stored = await database.videos.get(video.id)
    assert stored is not None
    assert (stored.status, stored.error_code) == (VideoStatus.ERROR, ErrorCode.CANCELLED)


@pytest.mark.parametrize("status", [VideoStatus.READY, VideoStatus.ERROR])
async def test_a_video_that_is_done_is_not_cancelled(database: Database, status: VideoStatus) -> None:
    video = await video_in(database.videos, status)
    assert not await database.videos.cancel_unstarted(video.id, None)
    assert await database.videos.get(video.id) == video


async def test_a_retry_forgets_the_error_and_counts_the_attempt(database: Database) -> None:
    failed = await video_in(database.videos, VideoStatus.ERROR)
    retried = await database.videos.start_retry(failed.id)
    assert (retried.status, retried.attempt) == (VideoStatus.PROCESSING, 2)
    assert (retried.error_code, retried.error_reason) == (None, None)
    await database.videos.mark_ready(failed.id, 2, PUBLISHED)


@pytest.mark.parametrize("status", [VideoStatus.UPLOADING, VideoStatus.PROCESSING, VideoStatus.READY])
async def test_only_a_failed_video_is_retried(database: Database, status: VideoStatus) -> None:
    video = await video_in(database.videos, status)
    with pytest.raises(StatusConflict):
        await database.videos.start_retry(video.id)
    assert await database.videos.get(video.id) == video


async def test_an_upload_that_never_finished_is_not_retried(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.UPLOADING)
    assert await database.videos.interrupt_upload(video.id, "The client went away.")
    with pytest.raises(StatusConflict, match="upload_interrupted"):
        await database.videos.start_retry(video.id)


async def test_every_status_is_counted_also_those_without_videos(database: Database) -> None:
    for _ in range(2):
        await video_in(database.videos, VideoStatus.READY, user_id="anna")
    await video_in(database.videos, VideoStatus.ERROR, user_id="berta")
    everything = dict.fromkeys(VideoStatus, 0) | {VideoStatus.READY: 2, VideoStatus.ERROR: 1}
    assert await database.videos.count_by_status() == everything
    assert (await database.videos.count_by_status("berta"))[VideoStatus.READY] == 0


async def test_the_reconciler_finds_what_is_due_and_leaves_alone_what_it_looked_at(database: Database) -> None:
    first = await video_in(database.videos, VideoStatus.PROCESSING)
    second = await video_in(database.videos, VideoStatus.PROCESSING)
    await video_in(database.videos, VideoStatus.READY)

    async def due(limit: int = 10) -> set[UUID]:
        return {video.id for video in await database.backlog.due(limit=limit)}

    assert await due() == set(), "the requests that made them have them in hand"
    await let_go(database)
    assert await due() == {first.id, second.id}
    assert len(await due(limit=1)) == 1
    [looked_at] = [video for video in await database.backlog.due(limit=10) if video.id == first.id]
    await database.backlog.look_again(looked_at, timedelta(minutes=1))
    assert await due() == {second.id}
    assert await database.videos.request_cancel(first.id, 1)
    await let_go(database)
    assert await due() == {first.id, second.id}
    await database.backlog.look_again(looked_at, timedelta(minutes=1))
    assert await due() == {first.id, second.id}, "what was seen before the cancel puts off nothing"


async def test_neither_an_api_whose_clock_is_off_nor_changes_of_a_video_put_off_the_start_of_its_run(
    database: Database,
) -> None:
    video = await video_in(database.videos, VideoStatus.PROCESSING)
    await let_go(database)
    async with database.transaction() as session:
        await session.execute(text("UPDATE videos SET updated_at = now() + interval '1 hour'"))
    assert [due.id for due in await database.backlog.due(limit=10)] == [video.id]
    assert await database.videos.change(video.id, VideoChange(title="Changed every second")) is not None
    assert [due.id for due in await database.backlog.due(limit=10)] == [video.id]


async def test_the_reconciler_finds_uploads_whose_time_is_over(database: Database) -> None:
    expired = await database.videos.create_uploading(new_video(expires_in_seconds=-1))
    going_on = await database.videos.create_uploading(new_video(expires_in_seconds=60))
    finished = await database.videos.create_uploading(new_video(expires_in_seconds=-5))
    await database.videos.finish_upload(finished.id, file_size_bytes=1, content_sha256=SHA256)
    assert await database.backlog.expired_uploads(limit=10) == [expired]
    ended = [await database.backlog.expire(video.id) for video in (expired, going_on, finished)]
    assert [video is not None for video in ended] == [True, False, False]


async def test_of_finish_and_cancel_at_once_exactly_one_wins(database: Database) -> None:
    for _ in range(5):
        video = await video_in(database.videos, VideoStatus.UPLOADING)

        async def finish(of: Video = video) -> str | None:
            try:
                await database.videos.finish_upload(of.id, file_size_bytes=1, content_sha256=SHA256)
            except StatusConflict:
                return None
            return VideoStatus.PROCESSING

        async def interrupt(of: Video = video) -> str | None:
            return VideoStatus.ERROR if await database.videos.interrupt_upload(of.id, "Gone.") else None

        outcomes = await asyncio.gather(*(finish() if n % 2 else interrupt() for n in range(20)))
        winners = [outcome for outcome in outcomes if outcome is not None]
        stored = await database.videos.get(video.id)
        assert stored is not None
        assert winners == [stored.status]


async def test_of_ready_error_and_cancel_at_once_exactly_one_wins(database: Database) -> None:
    for _ in range(5):
        video = await video_in(database.videos, VideoStatus.PROCESSING)

        async def ready(of: Video = video) -> str | None:
            try:
                await database.videos.mark_ready(of.id, 1, PUBLISHED)
            except StatusConflict:
                return None
            return "ready"

        async def error(of: Video = video) -> str | None:
            marked = await database.videos.mark_error(of.id, 1, ErrorCode.TRANSCODE_FAILED, "No.")
            return ErrorCode.TRANSCODE_FAILED if marked else None

        async def cancel(of: Video = video) -> str | None:
            return ErrorCode.CANCELLED if await database.videos.cancel_unstarted(of.id, 1) else None

        calls = [(ready, error, cancel)[n % 3]() for n in range(21)]
        winners = Counter(outcome for outcome in await asyncio.gather(*calls) if outcome is not None)
        stored = await database.videos.get(video.id)
        assert stored is not None
        assert set(winners) == {stored.error_code or stored.status}


async def test_of_twenty_retries_at_once_exactly_one_wins(database: Database) -> None:
    failed = await video_in(database.videos, VideoStatus.ERROR)
    outcomes = await asyncio.gather(
        *(database.videos.start_retry(failed.id) for _ in range(20)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["StatusConflict"] * 19 + ["Video"]
    stored = await database.videos.get(failed.id)
    assert stored is not None
    assert stored.attempt == 2
