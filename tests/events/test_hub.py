"""A crowd of listeners costs no more than one, and one that does not keep up does not hold up the others."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Set
from contextlib import AsyncExitStack, contextmanager
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event

from accounts.keys import KeyText
from contracts.event_types import EVENTS_CHANNEL
from contracts.processing import Step
from contracts.refusals import Refused
from contracts.status import VideoStatus
from database.engine import Database
from database.events import Events, StoredEvent
from database.notifications import listen
from database.records import VideoChange
from embedded.postgres import EmbeddedPostgres
from events.hub import EventHub, Listening
from events.listener import Listener
from events.messages import Topic
from events.progress import ProgressLooks
from runs.records import LiveProgress
from tests.api.running import RecordedRuns
from tests.database.samples import PUBLISHED, video_in

CROWD = 500


def telling(url: str) -> Listening:
    """Tells of events in that database."""
    return lambda wake: listen(url, {EVENTS_CHANNEL: wake})


async def nobody_asks(key_ids: Set[str | None]) -> Set[str | None]:
    """For hubs that ask nothing about keys within a test."""
    return key_ids


@pytest.fixture
def runs() -> RecordedRuns:
    return RecordedRuns(live=LiveProgress(Step.TRANSCODE, 0.25, attempt=1))


@pytest.fixture
async def hub(database: Database, database_url: str, runs: RecordedRuns) -> AsyncIterator[EventHub]:
    hub = EventHub(
        database.events,
        telling(database_url),
        ProgressLooks(database.events, runs),
        database.accounts.holding,
        progress_seconds=0.2,
        keys_seconds=0.2,
        most_listeners=CROWD,
        most_of_one=CROWD,
    )
    async with hub.running():
        yield hub


async def until(listener: Listener, kind: str) -> None:
    async with asyncio.timeout(30):
        while (message := await listener.next()) is not None and message.type != kind:
            pass
        assert message is not None


@contextmanager
def statements_of(database: Database) -> Iterator[list[str]]:
    """What is asked of the database during the block."""
    found: list[str] = []

    def note(*asked: object) -> None:
        found.append(str(asked[2]))

    engine = database._engine.sync_engine  # nothing else sees every statement
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_a_crowd_costs_no_more_than_one(hub: EventHub, database: Database, runs: RecordedRuns) -> None:
    video = await video_in(database.videos, VideoStatus.PROCESSING)
    async with AsyncExitStack() as stack:
        topics = [Topic(), Topic(user_id="local"), Topic(video_id=video.id)]
        coming = [hub.listen(topics[number % 3], after=None, by="ann") for number in range(CROWD)]
        crowd = [await stack.enter_async_context(one) for one in coming]
        with statements_of(database) as statements:
            for listener in crowd:
                await until(listener, "video.progress")
            await database.videos.mark_ready(video.id, 1, PUBLISHED)
            for listener in crowd:
                await until(listener, "video.ready")
    reads = sum("FROM events" in statement for statement in statements)
    rounds = sum("FROM videos" in statement and "ORDER BY" in statement for statement in statements)
    assert reads <= 3, "for the notification, and for the connection's own first look"
    assert 1 <= runs.looked <= rounds, "one look at the video in a round"


async def test_whoever_comes_back_costs_the_database_nothing(hub: EventHub, database: Database) -> None:
    await video_in(database.videos, VideoStatus.READY)
    async with hub.listen(Topic(), after=0, by="ann") as first:
        seen = [message.id or 0 async for message in first.earlier()]
        while len(seen) < 3:
            seen.append((await first.next() or pytest.fail("the stream has ended")).id or 0)
    with statements_of(database) as statements:
        for _ in range(20):
            async with hub.listen(Topic(), after=seen[0], by="ann") as again:
                assert [message.id async for message in again.earlier()] == seen[1:]
    assert not [statement for statement in statements if "FROM events" in statement]


async def test_what_nobody_listens_to_is_not_read(hub: EventHub, database: Database, database_url: str) -> None:
    told = asyncio.Event()
    telling_too = asyncio.create_task(listen(database_url, {EVENTS_CHANNEL: told.set}))
    try:
        async with asyncio.timeout(20):
            await told.wait()
            with statements_of(database) as statements:
                told.clear()
                await video_in(database.videos, VideoStatus.UPLOADING)
                await told.wait()
            async with hub.listen(Topic(), after=None, by="ann") as listener:
                await video_in(database.videos, VideoStatus.READY)
                await until(listener, "video.ready")
    finally:
        telling_too.cancel()
        await asyncio.gather(telling_too, return_exceptions=True)
    assert not [statement for statement in statements if "FROM events" in statement]


async def test_a_listener_that_does_not_keep_up_is_let_go_and_resumes_where_it_was(
    hub: EventHub, database: Database
) -> None:
    video = await video_in(database.videos, VideoStatus.READY)
    changes = 300
    async with hub.listen(Topic(), after=None, by="ann") as slow, hub.listen(Topic(), after=None, by="ann") as quick:
        for number in range(changes):
            await database.videos.change(video.id, VideoChange(title=str(number)))
            if number < changes - 1:
                await until(quick, "video.updated")
        await until(quick, "video.updated")
        heard = []
        while (message := await slow.next()) is not None:
            heard += [message] if message.type == "video.updated" else []
    assert 0 < len(heard) < changes
    async with hub.listen(Topic(), after=heard[-1].id, by="ann") as again:
        heard += [message async for message in again.earlier()]
    titles = [f'"title":"{number}"' for number in range(changes)]
    assert all(title in message.body for title, message in zip(titles, heard, strict=True))


async def test_no_more_listen_than_may_and_none_once_it_is_closed(hub: EventHub) -> None:
    async with AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(hub.listen(Topic(), after=None, by="ann")) for _ in range(CROWD)]
        with pytest.raises(Refused, match="As many"):
            await stack.enter_async_context(hub.listen(Topic(), after=None, by="ann"))
        hub.close()
        async with asyncio.timeout(10):
            assert [await listener.next() for listener in crowd] == [None] * CROWD
    with pytest.raises(Refused):
        async with hub.listen(Topic(), after=None, by="ann"):
            pass


async def test_how_far_a_video_is_that_waits_is_told_again_after_ten_seconds(
    database: Database, runs: RecordedRuns
) -> None:
    moments = iter((0.0, 5.0, 9.0, 11.0, 20.0, 22.0, 22.5))
    looks = ProgressLooks(database.events, runs, lambda: next(moments))
    await video_in(database.videos, VideoStatus.PROCESSING)
    assert [len(await looks.look([Topic()])) for _ in range(6)] == [1, 0, 0, 1, 0, 1]
    runs.live = LiveProgress(Step.TRANSCODE, 0.5, attempt=1)
    assert len(await looks.look([Topic()])) == 1


@pytest.mark.parametrize("named", [False, True], ids=["a user", "a video"])
async def test_how_far_bob_s_video_is_is_told_however_many_ann_has(
    database: Database, runs: RecordedRuns, named: bool
) -> None:
    for _ in range(5):
        await video_in(database.videos, VideoStatus.PROCESSING, "ann")
    bobs = [await video_in(database.videos, VideoStatus.PROCESSING, "bob") for _ in range(2)]
    bob = Topic(video_id=bobs[1].id) if named else Topic(user_id="bob")
    looks = ProgressLooks(database.events, runs, most_videos=3)
    told = [message.user_id for message in await looks.look([Topic(user_id="ann"), bob])]
    assert sorted(told) == ["ann", *(["ann", "ann", "bob"] if named else ["ann", "bob"])], "no more than there may be"
    if named:
        topics = [Topic(), bob, Topic(video_id=uuid4())]
        assert len(await ProgressLooks(database.events, runs, most_videos=0).look(topics)) == 1


class Faulty(Events):
    """Fails once, with what nobody has foreseen, when it is asked what came after an event."""

    has_failed = False

    async def after(
        self, event_id: int, *, limit: int, user_id: str | None = None, video_id: UUID | None = None
    ) -> list[StoredEvent]:
        if not self.has_failed:
            self.has_failed = True
            raise ZeroDivisionError
        return await super().after(event_id, limit=limit, user_id=user_id, video_id=video_id)


async def test_a_fault_that_nobody_has_foreseen_ends_no_stream(
    database: Database, database_url: str, runs: RecordedRuns
) -> None:
    events, looks = Faulty(database.transaction), ProgressLooks(database.events, runs)
    hub = EventHub(
        events, telling(database_url), looks, nobody_asks, progress_seconds=3600, most_listeners=10, most_of_one=10
    )
    async with hub.running(), hub.listen(Topic(), after=None, by="ann") as listener:
        await video_in(database.videos, VideoStatus.UPLOADING)
        await until(listener, "video.created")
    assert events.has_failed


async def test_what_happened_while_the_connection_that_listens_was_broken_is_heard(
    stoppable_postgres: EmbeddedPostgres, runs: RecordedRuns
) -> None:
    url = stoppable_postgres.url(stoppable_postgres.port)
    database = Database(url, pool_size=2)
    looks = ProgressLooks(database.events, runs)
    hub = EventHub(
        database.events, telling(url), looks, nobody_asks, progress_seconds=3600, most_listeners=10, most_of_one=10
    )
    async with hub.running(), hub.listen(Topic(), after=None, by="ann") as listener:
        await video_in(database.videos, VideoStatus.UPLOADING)
        await until(listener, "video.created")
        await stoppable_postgres.stop()
        await stoppable_postgres.start()
        await video_in(database.videos, VideoStatus.UPLOADING)
        await until(listener, "video.created")
    await database.dispose()


async def test_whoever_listens_with_a_key_that_was_revoked_hears_no_more(hub: EventHub, database: Database) -> None:
    accounts = database.accounts
    async with hub.listen(Topic(), after=None, by="local") as without_key:
        await video_in(database.videos, VideoStatus.READY)
        await until(without_key, "video.ready")
        await accounts.add_key(KeyText.new().row("ann", is_admin=True))
        async with asyncio.timeout(30):
            assert await without_key.next() is None, "there are keys now"
    keys = [KeyText.new() for _ in range(3)]
    for key in keys:
        await accounts.add_key(key.row("ann", is_admin=True))
    async with AsyncExitStack() as stack:
        kept, revoked, waiting = [
            await stack.enter_async_context(hub.listen(Topic(), after=None, by="ann", key_id=key.id)) for key in keys
        ]
        await video_in(database.videos, VideoStatus.READY)
        await until(kept, "video.ready")  # so the others have it as well, and one of them has not taken it
        await until(revoked, "video.ready")
        await accounts.revoke_key(keys[2].id)
        await accounts.revoke_key(keys[1].id)
        async with asyncio.timeout(30):
            assert await revoked.next() is None
        assert await waiting.next() is None, "what waited for it is not told either"
        await video_in(database.videos, VideoStatus.READY)
        await until(kept, "video.ready")
