"""What processes compare goes by the database's clock, however far off that of a machine is."""

from datetime import UTC, datetime, timedelta

from accounts.callers import Caller, Callers
from accounts.links import Links
from accounts.signing import Signer
from contracts.cohorts import FailedVideos
from contracts.errors import ErrorCode
from contracts.refusals import Refused
from contracts.status import VideoStatus
from contracts.webhooks import DeliveryStatus
from database.engine import Database
from database.tables import Video, Webhook
from tests.api.accounts import key_of
from tests.database.samples import video_in

HOUR = timedelta(hours=1)
A_LITTLE = timedelta(minutes=1)


async def test_the_moments_of_a_row_are_the_databases(later_database: Database) -> None:
    failed = await video_in(later_database.videos, VideoStatus.ERROR)
    now = await later_database.cohorts.now()
    assert now > datetime.now(UTC) + timedelta(days=6)
    for moment in (failed.created_at, failed.updated_at, failed.uploaded_at, failed.failed_at):
        assert moment is not None
        assert now - A_LITTLE < moment <= now


async def test_a_video_counts_among_the_minutes_of_the_day_that_the_database_has(later_database: Database) -> None:
    await video_in(later_database.videos, VideoStatus.READY, "ann")
    assert (await later_database.accounts.user("ann"))[1].minutes_today == 1


async def test_what_failed_is_in_a_cohort_of_what_failed_until_now(later_database: Database) -> None:
    await video_in(later_database.videos, VideoStatus.ERROR)
    now = await later_database.cohorts.now()
    lately = FailedVideos(ErrorCode.INVALID_MEDIA, (now - HOUR).isoformat(), now.isoformat(), user_id=None)
    assert await later_database.cohorts.count(lately) == 1


async def test_a_key_holds_for_as_long_as_was_said(later_database: Database) -> None:
    key = await key_of(later_database, "ann", hours=1)
    assert await later_database.accounts.holder(key.id) is not None
    assert [has_expired for _, has_expired in await later_database.accounts.keys()] == [False]


async def test_a_link_and_a_session_end_on_every_api_at_once(database: Database, later_database: Database) -> None:
    """Of two whose clocks agree one asks a database that is a week ahead: a week has passed there."""
    video = await video_in(database.videos, VideoStatus.READY)
    key = await key_of(database, "ann")
    here, there = Signer(database.accounts), Signer(later_database.accounts)
    link, until = await Links(here).make(video.id, HOUR)
    session = await Callers(database.accounts, here).begin_session(Caller("ann", key_id=key.id))
    now = await database.cohorts.now()
    assert now + HOUR - A_LITTLE < until <= now + HOUR
    assert [await Links(signer).opens(link, video.id) for signer in (here, there)] == [True, False]
    assert [await comes_in(one, session.token) for one in ((database, here), (later_database, there))] == [True, False]
    later_link, later_until = await Links(there).make(video.id, HOUR)
    assert await Links(there).opens(later_link, video.id)
    assert later_until > now + timedelta(days=6)


async def comes_in(api: tuple[Database, Signer], token: str) -> bool:
    database, signer = api
    try:
        await Callers(database.accounts, signer).of_session(token, None, changes=False)
    except Refused:
        return False
    return True


async def test_between_two_looks_at_the_database_its_clock_goes_on(database: Database) -> None:
    seconds = 100.0
    signer = Signer(database.accounts, lambda: seconds)
    before = await signer.now()
    seconds += 3
    assert await signer.now() == before + timedelta(seconds=3)


async def test_a_secret_that_was_rotated_and_a_pause_last_as_long_as_was_said(later_database: Database) -> None:
    webhooks = later_database.webhooks
    webhook = await webhooks.add(Webhook(user_id="local", url="https://app.example/", secret="first"))
    await webhooks.rotate(webhook.id, "second", HOUR)
    await video_in(later_database.videos, VideoStatus.UPLOADING)
    (delivery, _, _), *_ = await webhooks.deliveries(webhook.id, limit=1, before=None)
    parcel = await webhooks.parcel(delivery.id or 0, 1)
    assert parcel is not None
    assert parcel.secrets == ["second", "first"]
    await webhooks.note_answer(delivery.id or 0, 1, answer=None, status=DeliveryStatus.PENDING, pause=HOUR)
    (tried, _, _), *_ = await webhooks.deliveries(webhook.id, limit=1, before=None)
    assert tried.next_attempt_at is not None
    assert tried.next_attempt_at - parcel.asked_at >= HOUR
    await webhooks.send_again(webhook.id, delivery.id or 0)
    assert await webhooks.take_to_start(1), "it is due by the clock that it is asked by"


async def test_a_row_is_looked_at_again_when_it_has_lasted_as_long_once_more(later_database: Database) -> None:
    video = await video_in(later_database.videos, VideoStatus.PROCESSING)
    await later_database.backlog.look_as_long_again(video, soonest=timedelta(seconds=10), latest=HOUR)
    looked_at = await later_database.videos.get(video.id)
    assert isinstance(looked_at, Video)
    assert looked_at.next_look_at is not None
    assert looked_at.next_look_at - await later_database.cohorts.now() < A_LITTLE
