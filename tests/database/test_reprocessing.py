"""A ready video that is made anew stays as it is until one change of its row; then whoever watches it goes on."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.errors import ErrorCode, StatusConflict, VideoCancelled
from contracts.refusals import QuotaExceeded
from contracts.status import VideoStatus
from database.editions import MOST_FORMER, Edition
from database.engine import Database
from database.records import VideoChange
from database.reprocessing import ReprocessEnding
from database.tables import Video
from tests.api.accounts import key_of
from tests.database.samples import PUBLISHED, let_go, video_in

ANEW = replace(PUBLISHED, width=640, height=360, published_bytes=7)
A_WHILE = timedelta(hours=1)


async def stored(database: Database, video: Video) -> Video:
    found = await database.videos.get(video.id)
    assert found is not None
    return found


async def begun(database: Database, profile: str = "mobile") -> Video:
    video = await video_in(database.videos, VideoStatus.READY)
    return await database.reprocessings.begin(video.id, profile, counts=False)


async def test_a_video_is_served_as_before_until_its_new_files_are(database: Database) -> None:
    before = await video_in(database.videos, VideoStatus.READY)
    video = await database.reprocessings.begin(before.id, "mobile", counts=False)
    assert video.is_reprocessing
    assert (video.attempt, video.reprocess_profile) == (2, "mobile")
    unchanged = ("status", "profile", "width", "published_edition", "url_mp4")
    assert [getattr(video, name) for name in unchanged] == [getattr(before, name) for name in unchanged]
    await database.reprocessings.claim(video.id, 2)
    for _ in range(2):  # its answer may be lost
        await database.reprocessings.finish(video.id, 2, ANEW, keep=A_WHILE)
    after = await stored(database, video)
    assert (after.status, after.profile, after.width, after.published_bytes) == ("ready", "mobile", 640, 7)
    assert (after.published_edition, after.reprocess_profile, after.is_reprocessing) == (2, None, False)
    assert await database.editions.former([video.id]) == {video.id: {0}}
    assert await database.editions.is_former(Edition(video.id, 0))
    assert not await database.editions.is_former(Edition(video.id, 2))


@pytest.mark.parametrize("status", [VideoStatus.UPLOADING, VideoStatus.PROCESSING, VideoStatus.ERROR])
async def test_only_a_ready_video_is_made_anew(database: Database, status: VideoStatus) -> None:
    video = await video_in(database.videos, status)
    with pytest.raises(StatusConflict, match=f"can't be made anew: it is in {status}"):
        await database.reprocessings.begin(video.id, "mobile", counts=False)
    assert await stored(database, video) == video


async def test_of_twenty_who_ask_one_begins(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.READY)
    asked = (database.reprocessings.begin(video.id, "mobile", counts=False) for _ in range(20))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, StatusConflict) for answer in answers) == 19
    assert (await stored(database, video)).attempt == 2


async def test_a_failure_is_noted_and_nothing_else_of_the_video_changes(database: Database) -> None:
    video = await begun(database)
    for _ in range(2):
        ended = await database.reprocessings.fail(video.id, 2, ErrorCode.TRANSCODE_FAILED, "It crashed.")
        assert ended == ReprocessEnding(is_served=False, error_code="transcode_failed")
    failed = await stored(database, video)
    assert (failed.status, failed.error_code, failed.published_edition) == ("ready", None, 0)
    assert (failed.reprocess_profile, failed.reprocess_error_reason) == ("mobile", "It crashed.")
    with pytest.raises(StatusConflict):
        await database.reprocessings.finish(video.id, 2, ANEW, keep=A_WHILE)
    again = await database.reprocessings.begin(video.id, "web", counts=False)
    assert (again.attempt, again.reprocess_profile, again.reprocess_error_code) == (3, "web", None)


async def test_a_run_that_is_told_it_failed_while_its_files_are_served_leaves_them(database: Database) -> None:
    video = await begun(database)
    await database.reprocessings.finish(video.id, 2, ANEW, keep=A_WHILE)
    assert (await database.reprocessings.fail(video.id, 2, ErrorCode.STATUS_CONFLICT, "Lost.")).is_served
    async with database.reprocessings.held_unless_wanted(Edition(video.id, 2)) as unwanted:
        assert not unwanted
    assert (await stored(database, video)).reprocess_error_code is None


@pytest.mark.parametrize("code", [ErrorCode.CANCELLED, ErrorCode.TRANSCODE_FAILED, ErrorCode.PROCESSING_LOST])
async def test_after_a_cancel_the_new_files_are_never_served(database: Database, code: ErrorCode) -> None:
    video = await begun(database)
    assert await database.reprocessings.request_cancel(video.id, 2)
    with pytest.raises(VideoCancelled):
        await database.reprocessings.claim(video.id, 2)
    with pytest.raises(VideoCancelled):
        await database.reprocessings.finish(video.id, 2, ANEW, keep=A_WHILE)
    assert (await database.reprocessings.fail(video.id, 2, code, "Ended.")).error_code == "cancelled"
    assert not await database.reprocessings.request_cancel(video.id, 2)
    assert (await stored(database, video)).status == "ready"


async def test_a_run_of_another_attempt_writes_nothing(database: Database) -> None:
    video = await begun(database)
    for attempt in (1, 3):
        with pytest.raises(StatusConflict):
            await database.reprocessings.claim(video.id, attempt)
        with pytest.raises(StatusConflict):
            await database.reprocessings.finish(video.id, attempt, ANEW, keep=A_WHILE)
        ended = await database.reprocessings.fail(video.id, attempt, ErrorCode.INTERNAL, "Not mine.")
        assert ended == ReprocessEnding()
    assert not await database.videos.mark_error(video.id, 2, ErrorCode.INTERNAL, "Not mine.")
    assert await stored(database, video) == video


async def test_a_deleted_video_is_not_made_anew_any_more(database: Database) -> None:
    video = await begun(database)
    await database.deletions.begin(video.id)
    with pytest.raises(StatusConflict, match="it was deleted"):
        await database.reprocessings.finish(video.id, 2, ANEW, keep=A_WHILE)
    assert await database.reprocessings.fail(video.id, 2, ErrorCode.INTERNAL, "Late.") == ReprocessEnding()
    await let_go(database)
    assert await database.reprocessings.due(limit=9) == []


async def test_what_is_made_anew_is_not_begun_once_more_nor_listed_among_what_failed(database: Database) -> None:
    video = await begun(database)
    with pytest.raises(StatusConflict, match="it is being made anew"):
        await database.reprocessings.begin(video.id, "web", counts=False)
    await let_go(database)
    due = await database.reprocessings.due(limit=9)
    assert [one.id for one in due] == [video.id]
    counted = [await database.videos.count_reprocessing(user) for user in (None, "local", "ann")]
    assert counted == [1, 1, 0]
    assert [one.id for one in await database.events.running(user_ids=None, video_ids=(), limit=9)] == [video.id]


async def test_of_a_video_that_is_made_anew_again_and_again_no_more_than_a_few_former_files_stay(
    database: Database,
) -> None:
    video = await video_in(database.videos, VideoStatus.READY)
    for _ in range(MOST_FORMER + 2):
        video = await database.reprocessings.begin(video.id, "mobile", counts=False)
        await database.reprocessings.finish(video.id, video.attempt, ANEW, keep=A_WHILE)
    served = video.attempt
    assert await database.editions.due(limit=9) == [Edition(video.id, 0), Edition(video.id, 2)]
    kept = [number for number in range(served) if await database.editions.is_former(Edition(video.id, number))]
    assert kept == list(range(served - MOST_FORMER, served))


async def test_former_files_go_when_their_time_is_over_and_not_what_is_served(database: Database) -> None:
    video = await begun(database)
    await database.reprocessings.finish(video.id, 2, ANEW, keep=timedelta(0))
    former = Edition(video.id, 0)
    assert await database.editions.due(limit=9) == [former]
    assert not await database.editions.is_former(former)
    await database.editions.put_off(former, A_WHILE)
    assert await database.editions.due(limit=9) == []
    async with database.editions.removing(former) as may_go:
        assert may_go
    assert await database.editions.former([video.id]) == {}
    async with database.editions.removing(Edition(video.id, 2)) as may_go:
        assert not may_go, "it is served"


async def test_each_turn_is_an_event_and_an_edit_meanwhile_is_kept(database: Database) -> None:
    video = await begun(database)
    await database.videos.change(video.id, VideoChange(title="Another"))
    await database.reprocessings.request_cancel(video.id, 2)
    await database.reprocessings.fail(video.id, 2, ErrorCode.INTERNAL, "Ended.")
    await database.reprocessings.begin(video.id, "web", counts=False)
    await database.reprocessings.finish(video.id, 3, ANEW, keep=A_WHILE)
    told = [(event.type, event.video["reprocess_error_code"]) for event in await database.events.after(0, limit=99)]
    assert told[3:] == [
        ("video.reprocessing", None),
        ("video.updated", None),
        ("video.reprocess_failed", "cancelled"),
        ("video.reprocessing", None),
        ("video.reprocessed", None),
    ]
    assert (await stored(database, video)).title == "Another"
    lately = await database.overview.lately(A_WHILE)
    assert (lately.ready, lately.failures) == (2, {"cancelled": 1})


async def test_failures_of_new_videos_and_of_those_made_anew_are_counted_together(database: Database) -> None:
    for _ in range(2):
        new = await video_in(database.videos, VideoStatus.PROCESSING)
        await database.videos.mark_error(new.id, 1, ErrorCode.TRANSCODE_FAILED, "It crashed.")
    for code in (ErrorCode.TRANSCODE_FAILED, ErrorCode.INTERNAL):
        video = await begun(database)
        await database.reprocessings.fail(video.id, 2, code, "It crashed.")
    await video_in(database.videos, VideoStatus.ERROR)
    lately = await database.overview.lately(A_WHILE)
    assert list(lately.failures.items()) == [("transcode_failed", 3), ("internal", 1), ("invalid_media", 1)]


async def test_what_a_user_has_made_anew_counts_among_the_minutes_of_the_day(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.READY)  # ten seconds, and so a minute
    await key_of(database, "local")
    await database.accounts.set_limits("local", {"max_minutes_a_day": 2})
    for attempt in range(2, 7):
        await database.reprocessings.begin(video.id, "web", counts=True)
        await database.reprocessings.fail(video.id, attempt, ErrorCode.INTERNAL, "It failed.")
    with pytest.raises(QuotaExceeded, match="2 minutes of video"):
        await database.reprocessings.begin(video.id, "web", counts=True)
    assert (await database.reprocessings.begin(video.id, "web", counts=False)).is_reprocessing
