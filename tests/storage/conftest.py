"""Storage on one file system, and on two."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage.disk import DiskStorage

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
