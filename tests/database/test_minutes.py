"""Minutes a day are those of what was made and of what is on its way, however many began at once."""

from uuid import UUID

import pytest

from contracts.errors import ErrorCode, StatusConflict
from contracts.refusals import QuotaExceeded
from contracts.status import VideoStatus
from database.engine import Database
from runs.reconcile import processing_input
from tests.api.accounts import key_of
from tests.database.samples import new_video, video_in

SECONDS = 90.0


async def begun_at_once(database: Database, number: int) -> list[UUID]:
    """Videos of a user who may have one minute made in a day, all accepted before anybody knew their length."""
    await key_of(database, "ann")
    await database.accounts.set_limits("ann", {"max_minutes_a_day": 1})
    return [(await video_in(database.videos, VideoStatus.PROCESSING, "ann")).id for _ in range(number)]


async def test_of_many_at_once_those_are_made_that_fit_into_the_day(database: Database) -> None:
    first, *others = await begun_at_once(database, 3)
    for _ in range(2):
        await database.videos.count_minutes(first, 1, SECONDS)  # also when the step is taken again
    for video_id in others:
        with pytest.raises(QuotaExceeded, match="2 minutes"):
            await database.videos.count_minutes(video_id, 1, SECONDS)
    with pytest.raises(QuotaExceeded):
        await database.videos.create_uploading(new_video("ann"))
    assert (await database.accounts.user("ann"))[1].minutes_today == 2


async def test_what_fails_gives_its_minutes_back(database: Database) -> None:
    first, second = await begun_at_once(database, 2)
    await database.videos.count_minutes(first, 1, SECONDS)
    await database.videos.mark_error(first, 1, ErrorCode.INVALID_MEDIA, "It ends early.")
    await database.videos.count_minutes(second, 1, SECONDS)
    with pytest.raises(StatusConflict):
        await database.videos.count_minutes(first, 1, SECONDS)


async def test_a_run_counts_where_there_is_a_limit_and_costs_nothing_where_there_is_none(database: Database) -> None:
    [limited] = await begun_at_once(database, 1)
    free = await video_in(database.videos, VideoStatus.PROCESSING, "bea")
    rows = [await database.videos.get(video_id) for video_id in (limited, free.id)]
    assert [processing_input(row).minutes_count for row in rows if row is not None] == [True, False]
