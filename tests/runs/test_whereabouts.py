"""Where the files of the newest videos are is seen by a look at a few of them."""

from pathlib import Path

from contracts.status import VideoStatus
from database.engine import Database
from runs.whereabouts import Whereabouts, look_for_files
from storage.disk import DiskStorage
from tests.database.samples import video_in
from tests.storage.published import publish_something


async def test_videos_without_any_file_in_the_storage_have_them_elsewhere(database: Database, tmp_path: Path) -> None:
    storage = DiskStorage(tmp_path / "uploads", tmp_path / "scratch")
    assert not (await look_for_files(database.videos, storage)).are_elsewhere, "there is none"
    first = await video_in(database.videos, VideoStatus.READY)
    for status in (VideoStatus.ERROR, VideoStatus.PROCESSING, VideoStatus.READY):
        await video_in(database.videos, status)
    assert (await look_for_files(database.videos, storage)) == Whereabouts(videos=2, here=0)
    assert (await look_for_files(database.videos, storage)).are_elsewhere
    await publish_something(storage, str(first.id), b"the video")
    assert (await look_for_files(database.videos, storage)) == Whereabouts(videos=2, here=1)
    assert not (await look_for_files(database.videos, storage)).are_elsewhere
