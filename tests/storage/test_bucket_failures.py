"""What a bucket that is away, refuses or changes its mind does to the files: nothing, and it is said in a sentence."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from contracts.errors import StorageFailed
from embedded.ports import LOOPBACK, Ports
from storage.bucket import BucketStorage
from storage.bucket_client import open_bucket
from storage.local_copies import LocalCopies
from storage.location import BucketLocation
from tests.fixtures.bucket import BUCKET, BucketServer, bucket_server
from tests.storage.published import content_of
from tests.waiting import eventually

KEY = "work/v1/chunk-001.mp4"
LARGE = bytes(range(256)) * (160 * 1024)  # 40 MiB: several parts


@asynccontextmanager
async def storage_of(
    environment: Mapping[str, str], scratch: Path, bucket: str = BUCKET, prefix: str = ""
) -> AsyncIterator[BucketStorage]:
    """As a process of its own would have it, with its own copies."""
    copies = LocalCopies(scratch, 1024 * 1024 * 1024)
    async with open_bucket(BucketLocation(bucket, prefix), environment, tries=1) as opened:
        yield BucketStorage(opened, copies)
    await copies.close()


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[BucketServer]:
    """A server that the test may kill."""
    async with bucket_server(tmp_path / "server") as server:
        yield server


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "the secret key does not belong to the access key"),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "it does not know the access key"),
    ],
)
async def test_wrong_credentials_are_said_in_one_sentence(
    shared_bucket_server: BucketServer, tmp_path: Path, change: dict[str, str], sentence: str
) -> None:
    async with storage_of({**shared_bucket_server.environment, **change}, tmp_path) as storage:
        with pytest.raises(StorageFailed, match=sentence):
            await storage.check()


async def test_a_bucket_that_is_not_there_is_said(shared_bucket_server: BucketServer, tmp_path: Path) -> None:
    async with storage_of(shared_bucket_server.environment, tmp_path, bucket="no-such-bucket") as storage:
        with pytest.raises(StorageFailed, match=r"s3://no-such-bucket: there is no such bucket\. Make it"):
            await storage.delete_folder("work/v1/")


async def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    nowhere = {"AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{Ports().free(purpose='nobody')}"}
    keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    async with storage_of(nowhere | keys, tmp_path) as storage:
        with pytest.raises(StorageFailed, match=r"does not answer.*AWS_ENDPOINT_URL"):
            await storage.check()


async def test_a_server_that_dies_while_a_file_is_put_leaves_none_and_takes_it_afterwards(
    own_server: BucketServer, tmp_path: Path
) -> None:
    async with storage_of(own_server.environment, tmp_path / "scratch") as storage:
        putting = asyncio.create_task(_put(storage, LARGE))
        await eventually(lambda: has_taken(own_server, len(LARGE) // 4), bool)
        own_server.kill()
        with pytest.raises(StorageFailed):
            await putting
        await own_server.start()
        assert await storage.size(KEY) is None
        await _put(storage, LARGE)
    async with storage_of(own_server.environment, tmp_path / "elsewhere") as another:
        assert await content_of(another, KEY) == LARGE


async def test_a_server_that_dies_while_a_file_is_fetched_gives_all_of_it_afterwards(
    own_server: BucketServer, tmp_path: Path
) -> None:
    async with storage_of(own_server.environment, tmp_path / "scratch") as storage:
        await _put(storage, LARGE)
    async with storage_of(own_server.environment, tmp_path / "elsewhere") as another:
        fetching = asyncio.create_task(content_of(another, KEY))
        await eventually(lambda: copies_in(tmp_path / "elsewhere"), bool)
        own_server.kill()
        with pytest.raises(StorageFailed):
            await fetching
        await own_server.start()
        assert await content_of(another, KEY) == LARGE


async def has_taken(server: BucketServer, size_bytes: int) -> bool:
    """Whether so much has arrived at its disk."""
    return await asyncio.to_thread(
        lambda: sum(path.stat().st_size for path in server.folder.glob("*.dat")) > size_bytes
    )


async def copies_in(scratch: Path) -> list[Path]:
    """What is being fetched: a copy is there as soon as it is begun."""
    return await asyncio.to_thread(lambda: [path for path in scratch.glob("copies-*/*") if path.stat().st_size > 0])


async def _put(storage: BucketStorage, content: bytes) -> None:
    async with storage.create(KEY) as path:
        await asyncio.to_thread(path.write_bytes, content)
