"""A 404 is not believed before the bucket has shown that it is the bucket: nothing that is there counts as gone."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from contracts.errors import OriginalMissing, StorageFailed
from storage.bucket import BucketStorage
from storage.bucket_client import open_bucket
from storage.bucket_objects import Bucket
from storage.local_copies import LocalCopies
from storage.location import BucketLocation
from storage.marking import MARKER, new_mark
from tests.fixtures.bucket import BUCKET, BucketServer
from tests.fixtures.lost_way import LostWay, lost_way
from tests.storage.published import content_of

KEY = "originals/0b0e6f1a-0000-4000-8000-000000000000.mp4"
NO_S3 = "what answers there is no S3"


@asynccontextmanager
async def by_a_lost_way(server: BucketServer, scratch: Path) -> AsyncIterator[tuple[LostWay, BucketStorage]]:
    """A prefix of the test's own, with an original in it."""
    location = BucketLocation(BUCKET, f"{secrets.token_hex(8)}/")
    copies = LocalCopies(scratch, 1024 * 1024)
    async with lost_way(server) as (way, environment), open_bucket(location, environment, tries=1) as bucket:
        await bucket.put(KEY, b"film")
        yield way, BucketStorage(bucket, copies)
    await copies.close()


@pytest.mark.parametrize("is_marked", [True, False], ids=["as a service", "as a command that marked nothing"])
async def test_what_is_there_is_not_gone_while_something_else_answers_with_404(
    shared_bucket_server: BucketServer, tmp_path: Path, is_marked: bool
) -> None:
    async with by_a_lost_way(shared_bucket_server, tmp_path) as (way, storage):
        if is_marked:
            await storage.mark()
        way.is_lost = True
        with pytest.raises(StorageFailed, match=NO_S3):
            await content_of(storage, KEY)
        with pytest.raises(StorageFailed, match=NO_S3):
            await storage.size(KEY)
        way.is_lost = False
        assert await content_of(storage, KEY) == b"film"
        await storage.delete(KEY)
        with pytest.raises(OriginalMissing):
            await content_of(storage, KEY)


async def test_what_is_there_is_not_gone_while_another_bucket_answers(
    bucket: Bucket, bucket_storage: BucketStorage
) -> None:
    mark = await bucket_storage.mark()
    await bucket.put(MARKER, new_mark().encode(), replace=True)
    with pytest.raises(StorageFailed, match="is another place than it was when this process began"):
        await content_of(bucket_storage, KEY)
    await bucket.delete(MARKER)
    with pytest.raises(StorageFailed, match="is that another bucket than before"):
        await content_of(bucket_storage, KEY)
    await bucket.put(MARKER, mark.encode())
    with pytest.raises(OriginalMissing):
        await content_of(bucket_storage, KEY)
