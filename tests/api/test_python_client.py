"""The Python client of ``client/`` against the api, over a socket."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from api.options import ApiOptions, EventOptions
from api.services import Services
from client.asynchronous import AsyncRushes
from client.begun_uploads import BegunUploads
from client.errors import RushesError
from client.sync import Rushes
from client.views import VideoView
from contracts.errors import ErrorCode
from contracts.processing import Step
from contracts.status import VideoStatus, Visibility
from database.engine import Database
from database.notifications import listen
from runs.records import LiveProgress
from storage.disk import DiskStorage
from tests.api.accounts import key_of
from tests.api.rows import PUBLISHED, make_video
from tests.api.running import RecordedCohortRuns, RecordedRuns, running_server
from tests.fixtures.narrow_proxy import narrow_proxy
from tests.fixtures.noise import noise
from tests.storage.published import content_of


@pytest.fixture
async def told_services(services: Services, database_url: str) -> Services:
    """Told of events, as they are outside of tests."""
    return replace(services, listening=partial(listen, database_url))


@pytest.fixture
async def url(told_services: Services, options: ApiOptions) -> AsyncIterator[str]:
    """Of an api that tells what happens."""
    told = replace(options, events=EventOptions(heartbeat_seconds=0.2, progress_seconds=0.1, most_listeners=2))
    async with running_server(told_services, told, grace_seconds=1) as (_, address):
        yield address


@pytest.fixture
async def rushes(url: str) -> AsyncIterator[AsyncRushes]:
    async with AsyncRushes(url) as rushes:
        yield rushes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Holiday.mp4"
    path.write_bytes(noise(256 * 8192))
    return path


async def test_an_upload_has_what_was_said_and_comes_back_as_it_was_sent(
    rushes: AsyncRushes, file: Path, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    said = {"title": "Ümlaut, and a comma", "profile": "archive", "metadata": {"order": "4711"}}
    video_id = await rushes.upload(
        file,
        title="Ümlaut, and a comma",
        profile="archive",
        metadata={"order": "4711"},
        on_sent=lambda sent, size: told.append((sent, size)),
    )
    video = await rushes.video(video_id)
    assert video.model_dump(include={"title", "profile", "metadata"}) == said
    assert (told[0], told[-1]) == ((0, 2097152), (2097152, 2097152))
    copy = await rushes.download_original(video_id, tmp_path / "copy.mp4")
    assert await asyncio.to_thread(copy.read_bytes) == await asyncio.to_thread(file.read_bytes)
    assert await asyncio.to_thread(lambda: [*tmp_path.glob("*.part")]) == []


class Stopped(Exception):
    """By whoever uploads, before a byte was sent."""


def stop(_sent: int, _size: int) -> None:
    raise Stopped


@pytest.mark.parametrize("ended", [AsyncRushes.cancel, AsyncRushes.delete])
async def test_an_upload_that_was_ended_since_is_begun_anew_which_is_said(
    rushes: AsyncRushes, file: Path, tmp_path: Path, ended: Callable[[AsyncRushes, UUID], Awaitable[object]]
) -> None:
    begun = BegunUploads(tmp_path / "begun")
    with pytest.raises(Stopped):
        await rushes.upload(file, begun=begun, on_sent=stop)
    (first,) = [video.id async for video in rushes.videos()]
    await ended(rushes, first)
    told: list[RushesError] = []
    assert await rushes.upload(file, begun=begun, on_broken=told.append) != str(first)
    assert [why.code for why in told] == ["begun_anew"]


async def test_an_upload_that_was_begun_with_one_key_is_left_alone_by_another_and_gone_on_with(
    url: str, file: Path, tmp_path: Path, database: Database
) -> None:
    folder = tmp_path / "begun"
    keys = [(await key_of(database, name)).write() for name in ("ann", "bob")]
    told: list[RushesError] = []
    async with AsyncRushes(url, key=keys[0]) as ann, AsyncRushes(url, key=keys[1]) as bob:
        with pytest.raises(Stopped):
            await ann.upload(file, begun=BegunUploads(folder), on_sent=stop)
        (first,) = [video.id async for video in ann.videos()]
        assert await bob.upload(file, begun=BegunUploads(folder), on_broken=told.append) != str(first)
        assert await ann.upload(file, begun=BegunUploads(folder), on_broken=told.append) == str(first)
    assert told == []


async def test_an_upload_that_is_sent_again_with_its_key_makes_no_second_video(rushes: AsyncRushes, file: Path) -> None:
    ids = {await rushes.upload(file, idempotency_key="order-4711") for _ in range(2)}
    assert [str(video.id) async for video in rushes.videos()] == list(ids)
    address = "https://clips.example/a.mp4"
    imports = [await rushes.import_from(address, title="Fetched", idempotency_key="order-4712") for _ in range(2)]
    assert imports[0].video_id == imports[1].video_id


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def written_to(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(b"another beginning")


@pytest.mark.parametrize("harm", [cut, written_to])
async def test_a_file_that_changes_while_it_is_sent_is_said_to_and_its_upload_is_ended(
    rushes: AsyncRushes, file: Path, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    begun = BegunUploads(tmp_path / "begun")

    def harm_it(sent: int, _size: int) -> None:
        if sent == 1024 * 1024:
            harm(file)

    with pytest.raises(RushesError, match=r"Holiday\.mp4 changed while it was sent: .* Send it once more") as refused:
        await rushes.upload(file, begun=begun, on_sent=harm_it)
    assert (refused.value.code, refused.value.status) == ("file_changed", None)
    assert [video async for video in rushes.videos()] == []
    assert [*(tmp_path / "begun").iterdir()] == []
    video_id = await rushes.upload(file, begun=begun)
    assert (await rushes.video(video_id)).file_size_bytes == await asyncio.to_thread(os.path.getsize, file)


@pytest.mark.parametrize("answers", [True, False], ids=["says so", "closes"])
async def test_behind_what_lets_no_large_bodies_through_pieces_are_halved_until_they_fit(
    url: str, database: Database, storage: DiskStorage, file: Path, answers: bool
) -> None:
    async with (
        narrow_proxy(url, most_bytes=1024 * 1024, answers=answers) as (proxy, refused),
        AsyncRushes(proxy) as rushes,
    ):
        video_id = await rushes.upload(file)
    assert refused == [2 * 1024 * 1024]
    video = await database.videos.get(UUID(video_id))
    assert video is not None
    assert await content_of(storage, video.original_key) == await asyncio.to_thread(file.read_bytes)


async def test_lists_go_on_over_pages_until_their_end_or_limit(
    rushes: AsyncRushes, database: Database, storage: DiskStorage
) -> None:
    made = [(await make_video(database, storage, VideoStatus.UPLOADING)).id for _ in range(102)]
    assert [video.id async for video in rushes.videos()] == made[::-1]
    assert len([video async for video in rushes.videos(limit=101)]) == 101
    assert [video async for video in rushes.videos(status=VideoStatus.READY, title="clip", metadata={"a": "b"})] == []


@pytest.mark.parametrize("is_told", [True, False], ids=["by events", "where no events come"])
async def test_waiting_ends_when_the_video_is_ready(
    is_told: bool,
    services: Services,
    told_services: Services,
    options: ApiOptions,
    database: Database,
    storage: DiskStorage,
    runs: RecordedRuns,
) -> None:
    runs.live = LiveProgress(Step.TRANSCODE, 0.25, attempt=1)
    video = await make_video(database, storage, VideoStatus.PROCESSING)
    seen = asyncio.Event()

    def look(now: VideoView) -> None:
        assert now.progress == 0.25
        seen.set()

    async with (
        running_server(told_services if is_told else services, options, grace_seconds=1) as (_, url),
        AsyncRushes(url) as rushes,
    ):
        waiting = asyncio.create_task(rushes.wait(video.id, timeout_seconds=60, on_change=look))
        await seen.wait()
        await database.videos.mark_ready(video.id, 1, PUBLISHED)
        ready = await waiting
        assert (ready.status, ready.duration_seconds) == (VideoStatus.READY, 1.5)
        assert await rushes.wait(video.id) == ready


async def test_waiting_ends_with_an_error_where_there_is_no_video_and_in_time_where_it_takes_too_long(
    rushes: AsyncRushes, database: Database, storage: DiskStorage
) -> None:
    with pytest.raises(RushesError) as refused:
        await rushes.wait(uuid4())
    assert (refused.value.code, refused.value.status) == ("video_not_found", 404)
    video = await make_video(database, storage, VideoStatus.PROCESSING)
    with pytest.raises(TimeoutError):
        await rushes.wait(video.id, timeout_seconds=0.2)


async def test_events_are_resumed_and_those_of_one_video_end_with_it(
    rushes: AsyncRushes, database: Database, storage: DiskStorage
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    async with aclosing(rushes.events(after=0)) as stream:
        first = await anext(stream)
    assert (first.type, first.video is not None and first.video.id) == ("video.created", video.id)
    begun = asyncio.Event()

    async def until_deleted() -> list[str]:
        stream = rushes.events(video.id, after=first.id, on_begun=begun.set)
        return [event.type async for event in stream]

    listening = asyncio.create_task(until_deleted())
    await begun.wait()
    await rushes.delete(video.id)
    assert await listening == ["video.uploaded", "video.ready", "video.deleted"]


async def test_a_refusal_says_why_and_when_to_ask_again(
    rushes: AsyncRushes, services: Services, options: ApiOptions
) -> None:
    full = replace(options, events=EventOptions(most_listeners=0))
    async with running_server(services, full, grace_seconds=1) as (_, url), AsyncRushes(url) as elsewhere:
        with pytest.raises(RushesError) as refused:
            await anext(elsewhere.events())
    error = refused.value
    assert (error.code, error.status, error.retry_after) == ("too_many_listeners", 503, 5.0)
    assert str(error) == f"{error.detail} (too_many_listeners)"
    async with AsyncRushes(url) as nowhere:
        with pytest.raises(RushesError) as silent:
            await nowhere.system()
    assert (silent.value.code, silent.value.status) == ("unreachable", None)
    with pytest.raises(RushesError) as invalid:
        await rushes.import_from("file:///etc/passwd")
    assert (invalid.value.code, invalid.value.retry_after) == ("invalid_url", None)


async def test_what_may_be_done_with_a_video_is_a_method(
    rushes: AsyncRushes, url: str, database: Database, storage: DiskStorage
) -> None:
    video = await make_video(database, storage, VideoStatus.ERROR)
    assert (await rushes.retry(video.id)).status is VideoStatus.PROCESSING
    assert (await rushes.cancel(video.id)).video_id == video.id
    assert (await rushes.steps(video.id)).steps == []
    changed = await rushes.update(video.id, title="Renamed", metadata={"order": "1"}, visibility=Visibility.PUBLIC)
    assert (changed.title, changed.metadata, changed.visibility) == ("Renamed", {"order": "1"}, Visibility.PUBLIC)
    assert (await rushes.update(video.id, metadata=None)).title == "Renamed"
    ready = await make_video(database, storage, VideoStatus.READY)
    link = await rushes.link(ready.id, expires_in_seconds=60)
    assert rushes.absolute(link.url_mp4).startswith(f"{url}{PUBLISHED.url_mp4}?token=")
    assert (await rushes.system()).videos[VideoStatus.READY] == 1
    assert (await rushes.readiness())["database"] == "ok"


async def test_a_ready_video_is_made_anew_and_waited_for(
    rushes: AsyncRushes, database: Database, storage: DiskStorage
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    assert (await rushes.reprocess(video.id, "archive")).status is VideoStatus.READY
    begun = await rushes.video(video.id)
    assert (begun.is_reprocessing, begun.is_settled, begun.reprocess_profile) == (True, False, "archive")
    waiting = asyncio.create_task(rushes.wait(video.id, timeout_seconds=60))
    await database.reprocessings.finish(video.id, 2, PUBLISHED, keep=timedelta(hours=1))
    ended = await waiting
    assert (ended.profile, ended.published_edition, ended.is_reprocessing) == ("archive", 2, False)
    tomorrow = video.created_at + timedelta(days=1)
    counted = await rushes.cohorts.reprocess("web", dry_run=True, of_profile="archive", created_before=tomorrow)
    assert (counted.total, counted.cohort_id) == (1, None)
    assert await rushes.cohorts.newest() == []


async def test_webhooks_are_made_changed_and_deleted(rushes: AsyncRushes) -> None:
    made = await rushes.webhooks.create("https://app.example.com/", ["video.ready"], "For the shop")
    changed = await rushes.webhooks.update(made.id, event_types=(), is_enabled=False)
    assert (changed.event_types, changed.is_enabled, changed.description) == ([], False, "For the shop")
    assert await rushes.webhooks.all() == [changed] == [await rushes.webhooks.get(made.id)]
    assert (await rushes.webhooks.rotate_secret(made.id)).secret != made.secret
    assert [delivery async for delivery in rushes.webhooks.deliveries(made.id)] == []
    with pytest.raises(RushesError) as refused:
        await rushes.webhooks.resend(made.id, 1)
    assert refused.value.code == "delivery_not_found"
    await rushes.webhooks.delete(made.id)
    assert await rushes.webhooks.all() == []


async def test_what_failed_for_one_reason_is_counted_retried_and_held(
    rushes: AsyncRushes, url: str, services: Services, database: Database, storage: DiskStorage
) -> None:
    video = await make_video(database, storage, VideoStatus.ERROR)
    since = video.updated_at - timedelta(hours=1)
    counted = await rushes.cohorts.retry("invalid_media", since, dry_run=True)
    assert (counted.total, counted.cohort_id) == (1, None)

    def journey() -> None:
        with Rushes(url) as waited_for:
            begun = waited_for.cohorts.retry("invalid_media", since, a_minute=30)
            assert begun.cohort_id is not None
            waited_for.cohorts.pause(begun.cohort_id)
            assert waited_for.cohorts.get(begun.cohort_id).total == 1
            waited_for.cohorts.resume(begun.cohort_id)
            waited_for.cohorts.cancel(begun.cohort_id)

    await asyncio.to_thread(journey)
    assert isinstance(services.cohort_runs, RecordedCohortRuns)
    assert services.cohort_runs.told == ["pause", "resume", "cancel"]


async def test_without_asyncio_it_is_the_same(url: str, database: Database, file: Path, tmp_path: Path) -> None:
    key = (await key_of(database, "ann")).write()

    def journey() -> None:
        with Rushes(url, key=key) as rushes:
            video_id = rushes.upload(file, title="Of Ann")
            assert [video.title for video in rushes.videos(title="ann")] == ["Of Ann"]
            for event in rushes.events(after=0):
                assert event.type == "video.created"
                break
            assert rushes.cancel(video_id).status in (VideoStatus.PROCESSING, VideoStatus.ERROR)
            ended = rushes.wait(video_id, timeout_seconds=30)
            assert ended.error_code == ErrorCode.CANCELLED
            assert rushes.download_original(video_id, tmp_path / "copy.mp4").stat().st_size == ended.file_size_bytes
            assert rushes.webhooks.create("https://app.example.com/").secret.startswith("whsec_")
            rushes.delete(video_id)
            with pytest.raises(RushesError, match="video_not_found"):
                rushes.video(video_id)

    await asyncio.to_thread(journey)
    async with AsyncRushes(url) as stranger:
        with pytest.raises(RushesError, match="unauthenticated"):
            await stranger.system()
