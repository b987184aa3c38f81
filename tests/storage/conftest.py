"""Storage on one file system, on two, and in a bucket."""

import contextlib
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.storage_keys import processed_folder, work_folder
from storage.bucket_objects import Bucket
from storage.disk import DiskStorage
from storage.protocol import Storage

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a second file system, where there is one


@dataclass(frozen=True)
class Disks:
    """A storage of the test's own, and where its parts are on disk."""

    storage: DiskStorage
    uploads: Path
    scratch: Path

    def work_files(self, video_id: str = "v1") -> dict[str, str]:
        """Content of what is in the video's scratch, hidden files too, by name."""
        folder = self.scratch / video_id
        return {path.name: path.read_text() for path in folder.iterdir()} if folder.exists() else {}

    def published(self, video_id: str = "v1") -> dict[str, str]:
        """Content of what is published, by name."""
        folder = self.uploads / "processed" / video_id
        return {path.name: path.read_text() for path in folder.iterdir()} if folder.exists() else {}


@pytest.fixture(params=["one file system", "two file systems"])
def disks(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disks]:
    """Scratch is on the file system of the uploads, or on another."""
    with contextlib.ExitStack() as stack:
        scratch = tmp_path
        if request.param == "two file systems":
            if not SHARED_MEMORY.is_dir() or SHARED_MEMORY.stat().st_dev == tmp_path.stat().st_dev:
                pytest.skip("there is only one file system here")
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=SHARED_MEMORY)))
        uploads, scratch = tmp_path / "uploads", scratch / "scratch"
        yield Disks(DiskStorage(uploads, scratch), uploads, scratch)


@dataclass(frozen=True)
class Place:
    """A storage of the test's own, and a look at what is in it past the storage.

    Attributes:
        storage: On a disk, or in a bucket.
        look: Content of every file below a prefix, hidden and unfinished ones too, by the rest of its key.
    """

    storage: Storage
    look: Callable[[str], Awaitable[dict[str, str]]]

    async def work_files(self, video_id: str = "v1") -> dict[str, str]:
        """Content of the video's work files, by name."""
        return await self.look(work_folder(video_id))

    async def published(self, video_id: str = "v1") -> dict[str, str]:
        """Content of what is published, by name."""
        return await self.look(processed_folder(video_id))


@pytest.fixture(params=["disk", "bucket"])
def place(request: pytest.FixtureRequest) -> Place:
    """Each kind of place: a test of it holds for both."""
    if request.param == "bucket":
        return Place(
            request.getfixturevalue("bucket_storage"), lambda prefix: _look(request.getfixturevalue("bucket"), prefix)
        )
    folder: Path = request.getfixturevalue("tmp_path")
    uploads, scratch = folder / "the uploads", folder / "the scratch"

    async def look(prefix: str) -> dict[str, str]:
        below = scratch / prefix.removeprefix("work/") if prefix.startswith("work/") else uploads / prefix
        files = [path for path in below.rglob("*") if path.is_file()]
        return {str(path.relative_to(below)): path.read_text(errors="replace") for path in files}

    return Place(DiskStorage(uploads, scratch), look)


async def _look(bucket: Bucket, prefix: str) -> dict[str, str]:
    found = {}
    async for key, stored in bucket.listed(prefix):
        content = await bucket.read(key, 0, stored.size_bytes) if stored.size_bytes else b""
        found[key.removeprefix(prefix)] = content.decode(errors="replace")
    return found
