"""Which place the files live in: the one choice between a disk and a bucket."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
    # A quarter of a second to import, which processes with a disk, and commands, need not wait for.
    from storage.bucket import BucketStorage  # noqa: PLC0415
    from storage.bucket_client import open_bucket  # noqa: PLC0415

    copies = LocalCopies(place.scratch, place.copies_bytes)
    try:
        async with open_bucket(place.bucket, os.environ) as bucket:
            yield BucketStorage(bucket, copies)
    finally:
        await copies.close()
