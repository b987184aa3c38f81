"""Which place the files live in: the one choice between a disk and a bucket."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from storage.bucket import BucketStorage
from storage.bucket_client import open_bucket
from storage.disk import DiskStorage
from storage.local_copies import LocalCopies
from storage.location import StoragePlace
from storage.protocol import Storage


@asynccontextmanager
async def open_storage(place: StoragePlace) -> AsyncIterator[Storage]:
    """The storage that the settings say, for as long as the block lasts. Nothing is asked of it yet."""
    if place.bucket is None:
        yield DiskStorage(place.uploads, place.scratch)
        return
    copies = LocalCopies(place.scratch, place.copies_bytes)
    try:
        async with open_bucket(place.bucket, os.environ) as bucket:
            yield BucketStorage(bucket, copies)
    finally:
        await copies.close()
