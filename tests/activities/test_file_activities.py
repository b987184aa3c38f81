"""The steps that move files: run twice, the same end."""

import pytest
from temporalio.testing import ActivityEnvironment

from activities.clean_scratch import CleanScratchActivities, CleanScratchInput
from activities.publish_files import PublishFilesActivities, PublishFilesInput, WithdrawFilesInput
from contracts.errors import StorageFailed
from tests.activities.conftest import Folders

VIDEO_ID = "00000000-0000-4000-8000-000000000002"


async def with_scratch(folders: Folders) -> None:
    folder = await folders.storage.scratch_folder(VIDEO_ID)
    (folder / "video.mp4").write_bytes(b"video")
    (folder / "thumbnail.jpg").write_bytes(b"thumbnail")


async def test_publishing_twice_publishes_once(folders: Folders) -> None:
    publish = PublishFilesActivities(folders.storage).publish_files
    await with_scratch(folders)
    first = await ActivityEnvironment().run(publish, PublishFilesInput(VIDEO_ID))
    again = await ActivityEnvironment().run(publish, PublishFilesInput(VIDEO_ID))
    assert first == again
    assert (first.video_key, first.size_bytes) == (f"processed/{VIDEO_ID}/video.mp4", 5)
    assert (folders.uploads / first.thumbnail_key).read_bytes() == b"thumbnail"


async def test_publishing_nothing_is_refused_and_shows_nothing(folders: Folders) -> None:
    with pytest.raises(StorageFailed):
        await ActivityEnvironment().run(
            PublishFilesActivities(folders.storage).publish_files, PublishFilesInput(VIDEO_ID)
        )
    assert not (folders.uploads / "processed" / VIDEO_ID).exists()


async def test_withdrawing_takes_everything_back_and_twice_is_a_success(folders: Folders) -> None:
    publish = PublishFilesActivities(folders.storage)
    await with_scratch(folders)
    await ActivityEnvironment().run(publish.publish_files, PublishFilesInput(VIDEO_ID))
    for _ in range(2):
        await ActivityEnvironment().run(publish.withdraw_files, WithdrawFilesInput(VIDEO_ID))
        assert not (folders.uploads / "processed" / VIDEO_ID).exists()


async def test_cleaning_scratch_twice_is_a_success(folders: Folders) -> None:
    await with_scratch(folders)
    for _ in range(2):
        await ActivityEnvironment().run(
            CleanScratchActivities(folders.storage).clean_scratch, CleanScratchInput(VIDEO_ID)
        )
        assert not (folders.scratch / VIDEO_ID).exists()
