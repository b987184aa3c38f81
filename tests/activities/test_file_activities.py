"""The steps that move files: run twice, the same end."""

import pytest
from temporalio.testing import ActivityEnvironment

from activities.clean_scratch import CleanScratchActivities, CleanScratchInput
from activities.publish_files import PublishFilesActivities, PublishFilesInput, WithdrawFilesInput
from contracts.errors import WorkMissing
from contracts.storage_keys import WorkFile, work_folder
from database.engine import Database
from tests.activities.conftest import Folders
from tests.storage.published import write_work

VIDEO_ID = "00000000-0000-4000-8000-000000000002"


async def verified(folders: Folders) -> PublishFilesInput:
    """What was verified, among other work files."""
    await write_work(folders.storage, VIDEO_ID, "chunk-001.mp4", b"chunk")
    return PublishFilesInput(
        VIDEO_ID,
        video=await write_work(folders.storage, VIDEO_ID, "video-1.mp4", b"video"),
        thumbnail=await write_work(folders.storage, VIDEO_ID, "thumbnail-1.jpg", b"thumbnail"),
    )


def published(folders: Folders) -> dict[str, bytes]:
    folder = folders.uploads / "processed" / VIDEO_ID
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


async def test_publishing_twice_publishes_once_under_the_public_names(folders: Folders, database: Database) -> None:
    publish = PublishFilesActivities(folders.storage, database.videos).publish_files
    request = await verified(folders)
    for _ in range(2):
        await ActivityEnvironment().run(publish, request)
        assert published(folders) == {"video.mp4": b"video", "thumbnail.jpg": b"thumbnail"}


async def test_a_video_of_another_size_than_the_verified_one_is_not_published(
    folders: Folders, database: Database
) -> None:
    request = await verified(folders)
    other = PublishFilesInput(VIDEO_ID, WorkFile(request.video.key, 4), request.thumbnail)
    with pytest.raises(WorkMissing):
        await ActivityEnvironment().run(PublishFilesActivities(folders.storage, database.videos).publish_files, other)
    assert published(folders) == {}


async def test_publishing_nothing_is_refused_and_shows_nothing(folders: Folders, database: Database) -> None:
    request = await verified(folders)
    await folders.storage.delete_folder(work_folder(VIDEO_ID))
    with pytest.raises(WorkMissing):
        await ActivityEnvironment().run(PublishFilesActivities(folders.storage, database.videos).publish_files, request)
    assert published(folders) == {}


async def test_withdrawing_takes_everything_back_and_twice_is_a_success(folders: Folders, database: Database) -> None:
    publish = PublishFilesActivities(folders.storage, database.videos)
    await ActivityEnvironment().run(publish.publish_files, await verified(folders))
    for _ in range(2):
        await ActivityEnvironment().run(publish.withdraw_files, WithdrawFilesInput(VIDEO_ID))
        assert published(folders) == {}


async def test_cleaning_scratch_twice_is_a_success(folders: Folders) -> None:
    await verified(folders)
    for _ in range(2):
        await ActivityEnvironment().run(
            CleanScratchActivities(folders.storage).clean_scratch, CleanScratchInput(VIDEO_ID)
        )
        assert not (folders.scratch / VIDEO_ID).exists()
