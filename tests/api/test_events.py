"""Whoever listens hears everything once and in its order, also after a break."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import httpx
import pytest

from api.options import ApiOptions, EventOptions
from api.services import Services
from contracts.processing import Step
from contracts.status import VideoStatus
from database.engine import Database
from database.notifications import listen
from database.records import VideoChange
from runs.records import LiveProgress
from storage.disk import DiskStorage
from tests.api.accounts import bearer, key_of, upload_as
from tests.api.rows import PUBLISHED, make_video
from tests.api.running import RecordedRuns, over_http, running_server, until
from tests.api.streams import listening

EVENTS = "/api/v1/events"


@pytest.fixture
def services(services: Services, database_url: str) -> Services:
    """Told of events as they are outside of tests."""
    return replace(services, listening=partial(listen, database_url))


@pytest.fixture
def options(options: ApiOptions) -> ApiOptions:
    return replace(
        options, events=EventOptions(heartbeat_seconds=0.2, progress_seconds=0.1, most_listeners=600, most_of_one=600)
    )


@pytest.fixture
async def http(services: Services, options: ApiOptions) -> AsyncIterator[httpx.AsyncClient]:
    async with over_http(services, options) as client:
        yield client


async def test_a_listener_hears_what_happens_and_each_event_has_the_video(
    http: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    async with listening(http, EVENTS) as stream:
        video = await make_video(database, storage, VideoStatus.READY)
        heard = [await stream.next() for _ in range(3)]
    assert [told[0] for told in heard if told] == ["video.created", "video.uploaded", "video.ready"]
    answer = (await http.get(f"/api/v1/videos/{video.id}")).json()
    assert heard[2] is not None
    assert heard[2][1] == answer


async def test_who_comes_back_hears_what_was_missed_once_and_in_order(
    http: httpx.AsyncClient, services: Services, options: ApiOptions, database: Database, storage: DiskStorage
) -> None:
    async with listening(http, EVENTS) as stream:
        video = await make_video(database, storage, VideoStatus.PROCESSING)
        await stream.until("video.created")
        last_id = stream.last_id
        await stream.until("video.uploaded")
    await database.videos.mark_ready(video.id, 1, PUBLISHED)
    expected = ["video.uploaded", "video.ready", "video.updated"]
    async with over_http(services, options) as another_process:
        for place in (http, another_process):
            async with listening(place, EVENTS, last_id=last_id) as stream:
                if place is http:
                    await database.videos.change(video.id, VideoChange(title="While they listen"))
                await stream.until("video.updated")
                assert [kind for kind, _ in stream.seen] == expected
            async with listening(place, f"{EVENTS}?after={last_id}") as stream:
                await stream.until("video.updated")
                assert [kind for kind, _ in stream.seen] == expected


async def test_who_breaks_before_the_first_event_misses_none(
    http: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    await make_video(database, storage, VideoStatus.UPLOADING)
    async with listening(http, EVENTS) as stream:
        await stream.comment()
        last_id = stream.last_id
    assert last_id
    await make_video(database, storage, VideoStatus.UPLOADING, "The second")
    async with listening(http, EVENTS, last_id=last_id) as stream:
        assert (await stream.until("video.created"))["title"] == "The second"
        assert len(stream.seen) == 1


async def test_progress_is_told_as_it_changes_and_has_no_id(
    http: httpx.AsyncClient, database: Database, storage: DiskStorage, runs: RecordedRuns
) -> None:
    video = await make_video(database, storage, VideoStatus.PROCESSING)
    runs.live = LiveProgress(Step.TRANSCODE, 0.25, attempt=1)
    async with listening(http, f"/api/v1/videos/{video.id}/events") as stream:
        first = await stream.until("video.progress")
        last_id = stream.last_id
        runs.away = True
        runs.live = LiveProgress(Step.TRANSCODE, 0.5, attempt=1, speed=2.0)
        await stream.comment()
        runs.away = False
        second = await stream.until("video.progress")
        assert stream.last_id == last_id
    assert (first["progress"], second["progress"], second["speed"]) == (0.25, 0.5, 2.0)
    assert first["status"] == "processing"


async def test_each_user_hears_of_their_own_videos_and_an_administrator_of_all(
    http: httpx.AsyncClient, database: Database
) -> None:
    ann, bob = await key_of(database, "ann"), await key_of(database, "bob")
    admin = await key_of(database, "root", is_admin=True)
    assert (await http.get(EVENTS)).status_code == 401
    async with (
        listening(http, EVENTS, **bearer(ann)) as of_ann,
        listening(http, EVENTS, **bearer(bob)) as of_bob,
        listening(http, EVENTS, **bearer(admin)) as of_all,
    ):
        for key in (bob, ann):
            await upload_as(http, key)
        assert (await of_ann.until("video.created"))["user_id"] == "ann"
        assert [kind for kind, _ in of_ann.seen] == ["video.created"], "nothing of bob's came before"
        bobs = await of_bob.until("video.created")
        assert bobs["user_id"] == "bob"
        assert [(await of_all.until("video.created"))["user_id"] for _ in range(2)] == ["bob", "ann"]
    refused = await http.get(f"/api/v1/videos/{bobs['id']}/events", headers=bearer(ann))
    assert (refused.status_code, refused.json()["code"]) == (404, "video_not_found")


async def test_the_stream_of_a_video_ends_when_it_is_deleted(
    http: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    other = await make_video(database, storage, VideoStatus.UPLOADING)
    async with listening(http, f"/api/v1/videos/{video.id}/events") as stream:
        await database.videos.delete(other.id)
        await database.videos.delete(video.id)
        await stream.until("video.deleted")
        assert [kind for kind, _ in stream.seen] == ["video.deleted"]
        assert await stream.next() is None


async def test_who_asks_for_events_that_are_gone_is_told(
    services: Services, options: ApiOptions, database: Database, storage: DiskStorage
) -> None:
    await make_video(database, storage, VideoStatus.READY)
    await database.events.forget(timedelta(days=-1), limit=100)
    async with over_http(services, options) as http:
        async with listening(http, EVENTS, last_id="0") as stream:
            assert await stream.next() == ("events.missed", {})
            await stream.until("video.ready")
            assert len(stream.seen) == 2, "what is still kept"
        async with listening(http, EVENTS, last_id="999999999") as stream:
            assert await stream.next() == ("events.missed", {})
            await make_video(database, storage, VideoStatus.UPLOADING)
            await stream.until("video.created")


@pytest.mark.parametrize("headers", [{"Last-Event-ID": "nonsense"}, {"Last-Event-ID": "-1"}])
async def test_an_id_that_can_not_be_is_refused(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await http.get(EVENTS, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_no_more_may_listen_than_a_process_serves(services: Services, options: ApiOptions) -> None:
    few = replace(options, events=replace(options.events, most_listeners=1))
    async with over_http(services, few) as http:
        async with listening(http, EVENTS):
            refused = await http.get(EVENTS)
            assert (refused.status_code, refused.json()["code"]) == (503, "too_many_listeners")
        await until(lambda: _is_taken(http))


async def test_one_user_leaves_room_for_others(services: Services, options: ApiOptions, database: Database) -> None:
    ann, bob = [bearer(await key_of(database, name)) for name in ("ann", "bob")]
    few = replace(options, events=replace(options.events, most_of_one=1))
    async with over_http(services, few) as http, http.stream("GET", EVENTS, headers=ann) as first:
        assert first.status_code == 200
        refused = await http.get(EVENTS, headers=ann)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_own_listeners")
        assert refused.headers["retry-after"] == "5"
        async with http.stream("GET", EVENTS, headers=bob) as other:
            assert other.status_code == 200


async def _is_taken(http: httpx.AsyncClient) -> bool:
    async with http.stream("GET", EVENTS) as answer:
        return answer.status_code == 200


async def test_a_process_that_stops_ends_its_streams_at_once(services: Services, options: ApiOptions) -> None:
    async with (
        running_server(services, options, grace_seconds=60) as (server, url),
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
        listening(client, EVENTS) as stream,
    ):
        await stream.comment()
        server.should_exit = True
        assert await stream.next(seconds=10) is None
