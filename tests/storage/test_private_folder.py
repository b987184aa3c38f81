"""What is worked on is nobody else's to read or to change, also where everybody may make folders."""

import os
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from contracts.errors import StorageFailed
from contracts.storage_keys import work_key
from storage.disk import DiskStorage
from storage.local_copies import LocalCopies

SOMEBODY_ELSE = 65534
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")


@pytest.fixture
def everybody_s(tmp_path: Path) -> Path:
    """A folder as ``/tmp`` is."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def uses(storage: DiskStorage) -> dict[str, Callable[[], Awaitable[object]]]:
    """What may be the first that is done there."""

    async def write() -> None:
        async with storage.create(work_key(str(uuid4()), "chunk.mp4")) as path:
            path.write_bytes(b"x")

    return {"check": storage.check, "mark": storage.mark, "write": write}


@pytest.mark.parametrize("first", ["check", "mark", "write"])
async def test_scratch_is_of_its_user_alone_whatever_comes_first(everybody_s: Path, tmp_path: Path, first: str) -> None:
    scratch = everybody_s / "video_processing"
    storage = DiskStorage(tmp_path / "uploads", scratch)
    await uses(storage)[first]()
    assert mode(scratch) == 0o700
    scratch.chmod(0o755)  # as one that stands from before
    await storage.check()
    assert mode(scratch) == 0o700


async def test_scratch_that_an_operator_made_keeps_its_rights(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    scratch.chmod(0o770)
    await DiskStorage(tmp_path / "uploads", scratch).check()
    assert mode(scratch) == 0o770


@AS_ROOT
@pytest.mark.parametrize("theirs", ["video_processing", "somewhere/video_processing"])
async def test_scratch_that_somebody_else_has_made_before_is_refused(
    everybody_s: Path, tmp_path: Path, theirs: str
) -> None:
    scratch = everybody_s / theirs
    scratch.mkdir(parents=True)
    first = everybody_s / Path(theirs).parts[0]
    os.chown(first, SOMEBODY_ELSE, SOMEBODY_ELSE)
    storage = DiskStorage(tmp_path / "uploads", scratch)
    for use in uses(storage).values():
        with pytest.raises(StorageFailed, match=f"{first} belongs to another user .* RUSHES_SCRATCH"):
            await use()
    with pytest.raises(StorageFailed, match="another user"):
        async with LocalCopies(scratch, 1000).part():
            pass
    assert not list(scratch.iterdir())
