"""Events that are older than they are kept go, and no others."""

from datetime import timedelta

from contracts.status import VideoStatus
from database.engine import Database
from events.tidy import TidyReport, tidy
from tests.database.samples import video_in


async def test_what_is_older_goes_but_for_the_newest_and_what_is_not_stays(database: Database) -> None:
    await video_in(database.videos, VideoStatus.READY)
    assert await tidy(database.events, timedelta(days=1)) == TidyReport(forgotten=0)
    assert await tidy(database.events, timedelta(seconds=-1)) == TidyReport(forgotten=2)
    assert [event.type for event in await database.events.after(0, limit=10)] == ["video.ready"]
