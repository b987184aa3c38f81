"""Whether two processes see the same files."""

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path

import pytest

from contracts.errors import StorageFailed
from storage.bucket import BucketStorage
from storage.bucket_client import open_bucket
from storage.disk import DiskStorage
from storage.identity import storage_identity
from storage.local_copies import LocalCopies
from storage.location import BucketLocation
from storage.marking import MARKER
from storage.protocol import Storage
from tests.fixtures.bucket import BUCKET, BucketServer, bucket_server


def folders(uploads: Path, scratch: Path) -> DiskStorage:
    return DiskStorage(uploads, scratch)


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


async def test_a_bucket_is_known_by_its_marker_whoever_comes_first_and_by_whatever_address(
    shared_bucket_server: BucketServer, tmp_path: Path
) -> None:
    at_another_address = {
        **shared_bucket_server.environment,
        "AWS_ENDPOINT_URL": shared_bucket_server.environment["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost"),
    }
    prefix = f"{secrets.token_hex(4)}/"

    async def identity(prefix: str, environment: Mapping[str, str]) -> str:
        async with open_bucket(BucketLocation(BUCKET, prefix), environment) as bucket:
            return await storage_identity(BucketStorage(bucket, LocalCopies(tmp_path / secrets.token_hex(4), 1)))

    found = await asyncio.gather(
        *(identity(prefix, environment) for environment in (shared_bucket_server.environment, at_another_address) * 5)
    )
    assert len(set(found)) == 1
    assert await identity(f"{prefix}other/", shared_bucket_server.environment) != found[0]


async def test_the_same_name_at_another_server_is_another_bucket(
    shared_bucket_server: BucketServer, tmp_path: Path
) -> None:
    location = BucketLocation(BUCKET, f"{secrets.token_hex(4)}/")
    found = []
    async with bucket_server(tmp_path / "other") as other:
        for server in (shared_bucket_server, other):
            async with open_bucket(location, server.environment) as bucket:
                found.append(await storage_identity(BucketStorage(bucket, LocalCopies(tmp_path / "copies", 1))))
    assert len(set(found)) == 2


@pytest.fixture(params=["disk", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """Each kind of place."""
    if request.param == "bucket":
        bucket_storage: Storage = request.getfixturevalue("bucket_storage")
        return bucket_storage
    return folders(tmp_path / "uploads", tmp_path / "scratch")


async def test_a_place_belongs_to_the_database_that_came_first_until_another_one_takes_it(place: Storage) -> None:
    databases = [secrets.token_hex(16) for _ in range(5)]
    assert await place.owner() is None
    owners = await asyncio.gather(*(place.claim(database) for database in databases))
    assert len(set(owners)) == 1
    assert await place.claim(databases[0], replace=True) == databases[0]
    assert await place.claim(databases[1]) == databases[0] == await place.owner()


async def test_a_folder_that_can_not_be_marked_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="Could not mark the folder"):
        await storage_identity(folders(tmp_path / "file", tmp_path / "scratch"))
