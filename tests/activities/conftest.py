"""What activities are made of: real ffmpeg, real folders, real PostgreSQL."""

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from contracts.storage_keys import original_key
from database.engine import Database
from storage.disk import DiskStorage
from storage.protocol import Storage
from tests.database.samples import new_video


@dataclass(frozen=True)
class Folders:
    """A storage of the test's own, and where its parts are on disk."""

    storage: Storage
    uploads: Path
    scratch: Path

    async def upload(self, clip: Path) -> tuple[str, str]:
        """Put a clip where the api puts originals; returns the video's id and the storage key."""
        video_id = str(uuid4())
        key = original_key(video_id, clip.suffix)
        target = self.uploads / key
        await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(shutil.copyfile, clip, target)
        return video_id, key

    def scratch_files(self, video_id: str) -> list[str]:
        """Names of what is in the video's scratch folder."""
        folder = self.scratch / video_id
        return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    uploads, scratch = tmp_path / "uploads", tmp_path / "scratch"
    return Folders(DiskStorage(uploads, scratch), uploads, scratch)


@pytest.fixture
async def processing_row(database: Database) -> UUID:
    """A row in ``processing``, attempt 1."""
    video_id = (await database.videos.create_uploading(new_video())).id
    await database.videos.finish_upload(video_id, file_size_bytes=1, content_sha256="0" * 64)
    return video_id
