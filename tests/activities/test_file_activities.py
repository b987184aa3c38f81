"""The steps that move files: run twice, the same end."""

from dataclasses import replace
from uuid import UUID

import pytest
from temporalio.testing import ActivityEnvironment

from activities.clean_scratch import CleanScratchActivities, CleanScratchInput
from activities.publish_files import PublishFilesActivities, PublishFilesInput, WithdrawFilesInput
from contracts.errors import ErrorCode, StatusConflict, WorkMissing
from contracts.storage_keys import WorkFile, work_folder
from database.engine import Database
from tests.activities.conftest import Folders
from tests.database.samples import PUBLISHED
from tests.storage.published import write_work


async def verified(folders: Folders, row: UUID, attempt: int | None = 1, video: bytes = b"video") -> PublishFilesInput:
    """What was verified, among other work files."""
    video_id = str(row)
    await write_work(folders.storage, video_id, "chunk-001.mp4", b"chunk")
    return PublishFilesInput(
        video_id,
        video=await write_work(folders.storage, video_id, "video-1.mp4", video),
        thumbnail=await write_work(folders.storage, video_id, "thumbnail-1.jpg", b"thumbnail"),
        attempt=attempt,
    )


def published(folders: Folders, row: UUID) -> dict[str, bytes]:
    folder = folders.uploads / "processed" / str(row)
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


async def test_publishing_twice_publishes_once_under_the_public_names(
    folders: Folders, database: Database, processing_row: UUID
) -> None:
    publish = PublishFilesActivities(folders.storage, database.videos).publish_files
    request = await verified(folders, processing_row)
    for _ in range(2):
        await ActivityEnvironment().run(publish, request)
        assert published(folders, processing_row) == {"video.mp4": b"video", "thumbnail.jpg": b"thumbnail"}


async def test_a_video_of_another_size_than_the_verified_one_is_not_published(
    folders: Folders, database: Database, processing_row: UUID
) -> None:
    request = await verified(folders, processing_row)
    other = replace(request, video=WorkFile(request.video.key, 4))
    with pytest.raises(WorkMissing):
        await ActivityEnvironment().run(PublishFilesActivities(folders.storage, database.videos).publish_files, other)
    assert published(folders, processing_row) == {}


async def test_publishing_nothing_is_refused_and_shows_nothing(
    folders: Folders, database: Database, processing_row: UUID
) -> None:
    request = await verified(folders, processing_row)
    await folders.storage.delete_folder(work_folder(request.video_id))
    with pytest.raises(WorkMissing):
        await ActivityEnvironment().run(PublishFilesActivities(folders.storage, database.videos).publish_files, request)
    assert published(folders, processing_row) == {}


@pytest.mark.parametrize("attempt", [1, None], ids=["of this attempt", "of an older version"])
async def test_a_run_that_goes_on_after_its_end_leaves_the_files_that_are_served(
    folders: Folders, database: Database, processing_row: UUID, attempt: int | None
) -> None:
    publish = PublishFilesActivities(folders.storage, database.videos).publish_files
    await ActivityEnvironment().run(publish, await verified(folders, processing_row))
    await database.videos.mark_ready(processing_row, 1, PUBLISHED)
    made_once_more = await verified(folders, processing_row, attempt, b"made once more")
    await ActivityEnvironment().run(publish, made_once_more)
    assert published(folders, processing_row) == {"video.mp4": b"video", "thumbnail.jpg": b"thumbnail"}


@pytest.mark.parametrize("came", ["an error", "a retry", "a making anew", "a delete"])
async def test_a_run_whose_row_has_moved_on_publishes_nothing(
    folders: Folders, database: Database, processing_row: UUID, came: str
) -> None:
    if came in {"an error", "a retry"}:
        await database.videos.mark_error(processing_row, 1, ErrorCode.TRANSCODE_FAILED, "It crashed.")
    if came == "a retry":
        await database.videos.start_retry(processing_row)
    if came == "a making anew":
        await database.videos.mark_ready(processing_row, 1, PUBLISHED)
        await database.reprocessings.begin(processing_row, "mobile", counts=False)
    if came == "a delete":
        await database.deletions.begin(processing_row)
    request = await verified(folders, processing_row)
    with pytest.raises(StatusConflict):
        await ActivityEnvironment().run(PublishFilesActivities(folders.storage, database.videos).publish_files, request)
    assert published(folders, processing_row) == {}


async def test_withdrawing_takes_everything_back_and_twice_is_a_success(
    folders: Folders, database: Database, processing_row: UUID
) -> None:
    publish = PublishFilesActivities(folders.storage, database.videos)
    await ActivityEnvironment().run(publish.publish_files, await verified(folders, processing_row))
    for _ in range(2):
        await ActivityEnvironment().run(publish.withdraw_files, WithdrawFilesInput(str(processing_row)))
        assert published(folders, processing_row) == {}


async def test_cleaning_scratch_twice_is_a_success(folders: Folders, processing_row: UUID) -> None:
    await verified(folders, processing_row)
    for _ in range(2):
        await ActivityEnvironment().run(
            CleanScratchActivities(folders.storage).clean_scratch, CleanScratchInput(str(processing_row))
        )
        assert not (folders.scratch / str(processing_row)).exists()
