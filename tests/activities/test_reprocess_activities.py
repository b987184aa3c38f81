"""The steps of a ready video that is made anew: run twice the same end, and what is served is nobody's to take back."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from temporalio.testing import ActivityEnvironment

from activities.claim_video import ClaimVideoInput
from activities.mark_error import MarkErrorInput
from activities.mark_ready import MarkReadyInput
from activities.publish_files import PublishFilesInput, WithdrawFilesInput
from activities.reprocess_video import FailReprocessingResult, PublishEditionInput, ReprocessVideoActivities
from contracts.errors import ErrorCode, StatusConflict
from contracts.storage_keys import VIDEO_NAME, edition_of, processed_folder, processed_key
from database.engine import Database
from tests.activities.conftest import Folders
from tests.database.samples import PUBLISHED
from tests.storage.published import content_of, publish_something, write_work

Step = Callable[[Any], Awaitable[Any]]


@pytest.fixture
async def video_id(database: Database, folders: Folders, processing_row: UUID) -> str:
    """A ready video that is to be made anew with attempt 2."""
    await publish_something(folders.storage, str(processing_row))
    await database.videos.mark_ready(processing_row, 1, PUBLISHED)
    await database.reprocessings.begin(processing_row, "mobile", counts=False)
    return str(processing_row)


@pytest.fixture
def steps(database: Database, folders: Folders) -> ReprocessVideoActivities:
    return ReprocessVideoActivities(folders.storage, database.reprocessings, timedelta(hours=1))


async def twice(step: Step, request: object) -> Any:
    """What the step answers the second time."""
    await ActivityEnvironment().run(step, request)
    return await ActivityEnvironment().run(step, request)


async def editions(folders: Folders, video_id: str) -> list[int]:
    return sorted({edition_of(file.key) async for file in folders.storage.kept(processed_folder(video_id))})


async def publish(
    steps: ReprocessVideoActivities, folders: Folders, video_id: str, video: bytes = b"made anew"
) -> None:
    files = PublishFilesInput(
        video_id,
        video=await write_work(folders.storage, video_id, "video-1.mp4", video),
        thumbnail=await write_work(folders.storage, video_id, "thumbnail-1.jpg", b"thumbnail"),
    )
    await twice(steps.publish_edition, PublishEditionInput(files, edition=2))


async def test_a_good_run_is_served_once_its_row_names_it_and_withdraws_nothing_then(
    database: Database, folders: Folders, steps: ReprocessVideoActivities, video_id: str
) -> None:
    await twice(steps.claim_reprocessing, ClaimVideoInput(video_id, 2))
    await publish(steps, folders, video_id)
    row = await database.videos.get(UUID(video_id))
    assert row is not None
    assert row.published_edition == 0
    await twice(steps.mark_reprocessed, MarkReadyInput(video_id, 2, 10.0, 640, 360, warnings=(), video_bytes=9))
    row = await database.videos.get(UUID(video_id))
    assert row is not None
    assert (row.published_edition, row.profile, row.published_bytes) == (2, "mobile", 9)
    late = MarkErrorInput(video_id, 2, ErrorCode.INTERNAL, "Too late.")
    assert await twice(steps.fail_reprocessing, late) == FailReprocessingResult(is_served=True)
    for attempt in (0, 2):
        await twice(steps.withdraw_edition, WithdrawFilesInput(video_id, attempt))
    assert await editions(folders, video_id) == [0, 2]
    with pytest.raises(StatusConflict):
        await ActivityEnvironment().run(steps.claim_reprocessing, ClaimVideoInput(video_id, 2))


async def test_a_run_that_goes_on_after_its_end_leaves_the_edition_that_is_served(
    folders: Folders, steps: ReprocessVideoActivities, video_id: str
) -> None:
    await publish(steps, folders, video_id)
    await twice(steps.mark_reprocessed, MarkReadyInput(video_id, 2, 10.0, 640, 360, warnings=(), video_bytes=9))
    await publish(steps, folders, video_id, b"made once more")
    await twice(steps.mark_reprocessed, MarkReadyInput(video_id, 2, 10.0, 640, 360, warnings=(), video_bytes=14))
    assert await content_of(folders.storage, processed_key(video_id, VIDEO_NAME, 2)) == b"made anew"


async def test_a_run_that_has_failed_publishes_nothing_more(
    folders: Folders, steps: ReprocessVideoActivities, video_id: str
) -> None:
    await twice(steps.fail_reprocessing, MarkErrorInput(video_id, 2, ErrorCode.TRANSCODE_FAILED, "It crashed."))
    with pytest.raises(StatusConflict):
        await publish(steps, folders, video_id)
    assert await editions(folders, video_id) == [0]


async def test_a_run_that_fails_takes_back_what_it_published_and_no_more(
    folders: Folders, steps: ReprocessVideoActivities, video_id: str
) -> None:
    await publish(steps, folders, video_id)
    await twice(steps.withdraw_edition, WithdrawFilesInput(video_id, 2))
    assert await editions(folders, video_id) == [0, 2], "the row still waits for it"
    failed = await twice(
        steps.fail_reprocessing, MarkErrorInput(video_id, 2, ErrorCode.TRANSCODE_FAILED, "It crashed.")
    )
    assert failed == FailReprocessingResult(is_served=False, error_code="transcode_failed")
    await twice(steps.withdraw_edition, WithdrawFilesInput(video_id, 2))
    assert await editions(folders, video_id) == [0]


async def test_of_a_video_that_is_deleted_its_deletion_takes_everything(
    database: Database, folders: Folders, steps: ReprocessVideoActivities, video_id: str
) -> None:
    await publish(steps, folders, video_id)
    await database.deletions.begin(UUID(video_id))
    with pytest.raises(StatusConflict):
        await ActivityEnvironment().run(
            steps.mark_reprocessed, MarkReadyInput(video_id, 2, 10.0, 640, 360, warnings=())
        )
    await twice(steps.withdraw_edition, WithdrawFilesInput(video_id, 2))
    assert await editions(folders, video_id) == [0, 2]
