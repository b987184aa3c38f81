"""Whether two processes see the same files."""

import asyncio
from pathlib import Path

import pytest

from contracts.errors import StorageFailed
from storage.identity import MARKER, storage_identity
from storage.location import BucketLocation, StoragePlace


def folders(uploads: Path, scratch: Path) -> StoragePlace:
    return StoragePlace(None, uploads, scratch, copies_bytes=1)


def names_below(folder: Path) -> list[str]:
    return [path.name for path in sorted(folder.rglob("*"))]


async def test_the_same_folders_by_another_path_are_the_same_place(tmp_path: Path) -> None:
    place = folders(tmp_path / "uploads", tmp_path / "scratch")
    identity = await storage_identity(place)
    (tmp_path / "mount").symlink_to(tmp_path / "uploads")
    assert await storage_identity(folders(tmp_path / "mount", tmp_path / "scratch")) == identity
    assert await storage_identity(place) == identity


async def test_another_scratch_or_other_uploads_are_another_place(tmp_path: Path) -> None:
    names = [("uploads", "scratch"), ("uploads", "other"), ("other uploads", "scratch")]
    found = {await storage_identity(folders(tmp_path / one, tmp_path / two)) for one, two in names}
    assert len(found) == 3


async def test_many_that_come_first_agree_and_leave_one_marker_each(tmp_path: Path) -> None:
    place = folders(tmp_path / "uploads", tmp_path / "scratch")
    found = await asyncio.gather(*(storage_identity(place) for _ in range(20)))
    assert len(set(found)) == 1
    assert names_below(tmp_path) == ["scratch", MARKER, "uploads", MARKER]


async def test_a_bucket_is_known_by_its_name_and_prefix_and_scratch_does_not_matter(tmp_path: Path) -> None:
    def place(prefix: str, scratch: str) -> StoragePlace:
        return StoragePlace(BucketLocation("videos", prefix), tmp_path, tmp_path / scratch, copies_bytes=1)

    one, two, other = [await storage_identity(place(*names)) for names in (("a/", "1"), ("a/", "2"), ("b/", "1"))]
    assert one == two != other
    assert names_below(tmp_path) == []


async def test_a_folder_that_can_not_be_marked_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="Could not mark the folder"):
        await storage_identity(folders(tmp_path / "file", tmp_path / "scratch"))
