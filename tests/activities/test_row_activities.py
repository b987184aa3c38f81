"""The steps that write the row: compare-and-set, and run twice the same end."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.testing import ActivityEnvironment

from activities.claim_video import ClaimVideoActivities, ClaimVideoInput
from activities.mark_error import MarkErrorActivities, MarkErrorInput
from activities.mark_ready import MarkReadyActivities, MarkReadyInput
from activities.publish_files import PublishFilesActivities, PublishFilesInput, WithdrawFilesInput
from contracts.errors import DatabaseUnavailable, ErrorCode, StatusConflict, VideoCancelled
from contracts.status import VideoStatus
from contracts.storage_keys import WorkFile
from contracts.warnings import VideoWarning
from database.engine import Database
from embedded.postgres import EmbeddedPostgres
from tests.activities.conftest import Folders

UNUSUAL = "3f0c8a52-9d41-4c7e-8b1a-5e2d6f7a9c30"
"""An id that no row has; the same in every process, or the tests that run side by side are not the same."""


def ready(video_id: UUID, attempt: int = 1) -> MarkReadyInput:
    return MarkReadyInput(
        video_id=str(video_id),
        attempt=attempt,
        duration_seconds=10.0004,
        width=1280,
        height=720,
        warnings=(VideoWarning("sound_left_out", "It has no sound."),),
    )


def error(video_id: UUID, attempt: int = 1) -> MarkErrorInput:
    return MarkErrorInput(str(video_id), attempt, ErrorCode.INVALID_MEDIA, "The file is not a video.")


async def test_a_run_claims_the_row_that_waits_for_it_however_often(database: Database, processing_row: UUID) -> None:
    claim = ClaimVideoActivities(database.videos).claim_video
    for _ in range(2):
        await ActivityEnvironment().run(claim, ClaimVideoInput(str(processing_row), attempt=1))


async def test_a_row_that_moved_on_or_is_gone_is_not_claimed(database: Database, processing_row: UUID) -> None:
    claim = ClaimVideoActivities(database.videos).claim_video
    for video_id, attempt in ((processing_row, 2), (uuid4(), 1)):
        with pytest.raises(StatusConflict):
            await ActivityEnvironment().run(claim, ClaimVideoInput(str(video_id), attempt))
    await ActivityEnvironment().run(MarkReadyActivities(database.videos).mark_ready, ready(processing_row))
    with pytest.raises(StatusConflict):
        await ActivityEnvironment().run(claim, ClaimVideoInput(str(processing_row), attempt=1))


async def test_a_cancel_that_was_accepted_stops_the_claim_and_the_ready_row(
    database: Database, processing_row: UUID
) -> None:
    assert await database.videos.request_cancel(processing_row, 1)
    with pytest.raises(VideoCancelled):
        await ActivityEnvironment().run(
            ClaimVideoActivities(database.videos).claim_video, ClaimVideoInput(str(processing_row), attempt=1)
        )
    with pytest.raises(VideoCancelled):
        await ActivityEnvironment().run(MarkReadyActivities(database.videos).mark_ready, ready(processing_row))
    await ActivityEnvironment().run(MarkErrorActivities(database.videos).mark_error, error(processing_row))
    row = await database.videos.get(processing_row)
    assert row is not None
    assert (row.status, row.error_code) == (VideoStatus.ERROR, ErrorCode.CANCELLED)


async def test_mark_ready_writes_the_row_once_however_often_it_runs(database: Database, processing_row: UUID) -> None:
    mark_ready = MarkReadyActivities(database.videos).mark_ready
    for _ in range(2):
        await ActivityEnvironment().run(mark_ready, ready(processing_row))
    row = await database.videos.get(processing_row)
    assert row is not None
    assert (row.status, row.url_mp4) == (VideoStatus.READY, f"/uploads/processed/{processing_row}/video.mp4")
    assert (row.thumbnail, row.duration_seconds) == (f"/uploads/processed/{processing_row}/thumbnail.jpg", 10.0)
    assert (row.width, row.height, row.error_code) == (1280, 720, None)


@pytest.mark.parametrize("attempt", [2, 7])
async def test_mark_ready_of_another_attempt_changes_nothing(
    database: Database, processing_row: UUID, attempt: int
) -> None:
    with pytest.raises(StatusConflict):
        await ActivityEnvironment().run(MarkReadyActivities(database.videos).mark_ready, ready(processing_row, attempt))
    row = await database.videos.get(processing_row)
    assert row is not None
    assert row.status == VideoStatus.PROCESSING


async def test_mark_error_writes_code_and_reason_once_however_often_it_runs(
    database: Database, processing_row: UUID
) -> None:
    mark_error = MarkErrorActivities(database.videos).mark_error
    for _ in range(2):
        result = await ActivityEnvironment().run(mark_error, error(processing_row))
        assert result.status is VideoStatus.ERROR
    row = await database.videos.get(processing_row)
    assert row is not None
    assert (row.error_code, row.error_reason) == ("invalid_media", "The file is not a video.")


async def test_mark_error_leaves_a_ready_row_and_tells_so(database: Database, processing_row: UUID) -> None:
    await ActivityEnvironment().run(MarkReadyActivities(database.videos).mark_ready, ready(processing_row))
    result = await ActivityEnvironment().run(MarkErrorActivities(database.videos).mark_error, error(processing_row))
    assert result.status is VideoStatus.READY


async def test_mark_error_of_a_deleted_row_is_a_success(database: Database) -> None:
    result = await ActivityEnvironment().run(MarkErrorActivities(database.videos).mark_error, error(uuid4()))
    assert result.status is None


@pytest.mark.parametrize("forged", ["", "no-uuid", "../originals", UNUSUAL.upper(), f"urn:uuid:{UNUSUAL}"])
async def test_an_id_that_no_row_can_have_is_final_for_every_step_that_asks_the_row(
    database: Database, folders: Folders, forged: str
) -> None:
    publish = PublishFilesActivities(folders.storage, database.videos)
    steps: list[tuple[Callable[[Any], Awaitable[Any]], object]] = [
        (ClaimVideoActivities(database.videos).claim_video, ClaimVideoInput(forged, attempt=1)),
        (MarkReadyActivities(database.videos).mark_ready, replace(ready(uuid4()), video_id=forged)),
        (MarkErrorActivities(database.videos).mark_error, replace(error(uuid4()), video_id=forged)),
        (publish.publish_files, PublishFilesInput(forged, WorkFile("work/a/b.mp4", 1), WorkFile("work/a/c.jpg", 1))),
        (publish.withdraw_files, WithdrawFilesInput(forged)),
    ]
    for step, request in steps:
        with pytest.raises(StatusConflict) as caught:
            await ActivityEnvironment().run(step, request)
        assert not caught.value.retryable


async def test_a_database_that_is_away_is_an_error_that_is_tried_again(stoppable_postgres: EmbeddedPostgres) -> None:
    database = Database(stoppable_postgres.url(stoppable_postgres.port), 1)
    await stoppable_postgres.stop()
    try:
        with pytest.raises(DatabaseUnavailable) as caught:
            await ActivityEnvironment().run(MarkReadyActivities(database.videos).mark_ready, ready(uuid4()))
        assert caught.value.retryable
    finally:
        await database.dispose()
