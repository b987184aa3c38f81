"""Every change of a video is an event, written with it; whoever has read up to an id has missed nothing before it."""

import asyncio
import random
from dataclasses import asdict, replace
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import text

from contracts.errors import ErrorCode
from contracts.event_types import EVENTS_CHANNEL
from contracts.status import VideoStatus, Visibility
from database.engine import Database
from database.events import StoredEvent
from database.notifications import listen
from database.records import FetchedOriginal, VideoChange
from database.tables import Video
from tests.database.samples import PUBLISHED, SHA256, new_video, video_in


async def events_of(database: Database) -> list[StoredEvent]:
    return await database.events.after(0, limit=1000)


async def types_of(database: Database) -> list[str]:
    return [event.type for event in await events_of(database)]


async def test_each_change_of_a_video_is_an_event_with_the_row_as_it_was_then(database: Database) -> None:
    videos = database.videos
    video = await video_in(videos, VideoStatus.ERROR)
    await videos.start_retry(video.id)
    await videos.change(video.id, VideoChange(title="Another", metadata_patches=[{"order": "4711"}]))
    await videos.mark_ready(video.id, 2, PUBLISHED)
    await videos.change(video.id, VideoChange(visibility=Visibility.PUBLIC))
    await database.deletions.begin(video.id)
    assert await videos.change(video.id, VideoChange(title="Too late")) is None
    await database.deletions.finish(video.id)
    events = await events_of(database)
    assert [(event.type, event.video["status"], event.video["attempt"]) for event in events] == [
        ("video.created", "uploading", 1),
        ("video.uploaded", "processing", 1),
        ("video.error", "error", 1),
        ("video.retried", "processing", 2),
        ("video.updated", "processing", 2),
        ("video.ready", "ready", 2),
        ("video.updated", "ready", 2),
        ("video.deleted", "deleting", 2),
    ]
    assert {(event.user_id, event.video_id) for event in events} == {("local", video.id)}
    assert (events[4].video["title"], events[4].video["metadata"]) == ("Another", {"order": "4711"})
    assert events[2].video["error_code"] == "invalid_media"


async def test_a_cancelled_video_and_an_interrupted_upload_are_told_apart(database: Database) -> None:
    cancelled = await video_in(database.videos, VideoStatus.PROCESSING)
    await database.videos.request_cancel(cancelled.id, 1)
    await database.videos.mark_error(cancelled.id, 1, ErrorCode.TRANSCODE_FAILED, "Ended.")
    gone = await video_in(database.videos, VideoStatus.UPLOADING)
    await database.upload_leases.interrupt({gone.id: "Gone."})
    assert await types_of(database) == [
        "video.created",
        "video.uploaded",
        "video.cancelled",
        "video.created",
        "video.error",
    ]


async def test_an_import_is_uploaded_when_it_was_fetched_and_its_url_is_in_no_event(database: Database) -> None:
    new = replace(new_video(), source_url="https://clips.example/a.mp4?signature=secret", upload_expires_seconds=None)
    await database.videos.create_import(new)
    await database.upload_leases.note_fetch(new.id, 1, length=7, offset=3)
    await database.videos.finish_fetch(new.id, 1, FetchedOriginal(7, SHA256))
    events = await events_of(database)
    assert [event.type for event in events] == ["video.created", "video.uploaded"]
    assert "secret" not in str(events)


async def test_what_nobody_sees_of_a_video_is_no_event(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.UPLOADING)
    lease = uuid4()
    await database.upload_leases.take(video.id, lease, 10)
    await database.upload_leases.renew(video.id, lease, 10, offset=100, expires_seconds=60)
    await database.upload_leases.release(video.id, lease, offset=200, expires_seconds=60)
    assert await types_of(database) == ["video.created"]


async def test_a_change_that_is_rolled_back_is_no_event(database: Database) -> None:
    video = await video_in(database.videos, VideoStatus.READY)
    before = await types_of(database)
    async with database.transaction() as session:
        await session.delete(await session.merge(video))
        await session.flush()
        await session.rollback()
    assert await types_of(database) == before
    assert await database.videos.get(video.id) is not None


async def test_a_reader_misses_nothing_while_many_transactions_commit_at_once(database: Database) -> None:
    """Without the lock an id that was taken early, and committed late, would be passed over."""
    chance = random.Random(7)  # noqa: S311 # a test's
    writers = 30
    connections = asyncio.Semaphore(4)  # of five: one is the reader's

    async def write() -> None:
        async with connections, database.transaction() as session:
            session.add(_row())
            await session.flush()
            await session.execute(
                text("SET CONSTRAINTS ALL IMMEDIATE")
            )  # the event has its id now, long before the end
            await session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": chance.random() / 50})

    async def read(seen: list[int]) -> None:
        while len(seen) < writers:
            seen += [event.id for event in await database.events.after(seen[-1] if seen else 0, limit=3)]

    seen: list[int] = []
    async with asyncio.timeout(30):
        await asyncio.gather(read(seen), *(write() for _ in range(writers)))
    assert seen == [event.id for event in await events_of(database)]


async def test_whoever_listens_is_woken_by_a_commit(database: Database, database_url: str) -> None:
    woken = asyncio.Event()
    listening = asyncio.create_task(listen(database_url, {EVENTS_CHANNEL: woken.set}))
    try:
        async with asyncio.timeout(20):
            await woken.wait()
            woken.clear()
            await video_in(database.videos, VideoStatus.UPLOADING)
            await woken.wait()
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_old_events_are_forgotten_and_ids_go_on(database: Database) -> None:
    await video_in(database.videos, VideoStatus.READY)
    before = await events_of(database)
    assert await database.events.forget(timedelta(days=1), limit=100) == 0
    assert await database.events.forget(timedelta(days=-1), limit=1) == 1
    assert await database.events.forget(timedelta(days=-1), limit=100) == len(before) - 2
    assert await database.events.ends() == (before[-1].id, before[-1].id)
    await video_in(database.videos, VideoStatus.UPLOADING)
    assert (await events_of(database))[-1].id > before[-1].id


def _row() -> Video:
    return Video(**asdict(new_video()), status=VideoStatus.UPLOADING)
