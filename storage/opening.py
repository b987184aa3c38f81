"""Which place the files live in: the one choice between a disk and a bucket."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

from contracts.storage_keys import PROCESSED_PREFIX
from storage.disk import DiskStorage
from storage.disk_publishing import DiskPublishing
from storage.local_copies import LocalCopies
from storage.location import StoragePlace
from storage.protocol import Storage

Part = TypeVar("Part")


class Around(Protocol):
    """Puts something around a part that has a name, or leaves it as it is."""

    def __call__(self, name: str, part: Part, /) -> Part:
        """What is used in its place."""
        ...


def as_it_is(_name: str, part: Part, /) -> Part:
    """Put nothing around it."""
    return part


@asynccontextmanager
async def open_storage(
    place: StoragePlace, around: Around = as_it_is, environment: Mapping[str, str] = os.environ
) -> AsyncIterator[Storage]:
    """The storage that the settings say, for as long as the block lasts. Nothing is asked of it yet.

    Args:
        place: Where.
        around: Told of the parts in it.
        environment: Says how a bucket is reached.
    """
    if place.bucket is None:
        publishing = around("publishing", DiskPublishing(place.uploads / PROCESSED_PREFIX))
        yield around("storage", DiskStorage(place.uploads, place.scratch, publishing))
        return
    # A quarter of a second to import, which processes with a disk, and commands, need not wait for.
    from storage.bucket import BucketStorage  # noqa: PLC0415
    from storage.bucket_client import open_bucket  # noqa: PLC0415
    from storage.bucket_publishing import BucketPublishing  # noqa: PLC0415

    copies = LocalCopies(place.scratch, place.copies_bytes)
    try:
        async with open_bucket(place.bucket, environment) as bucket:
            in_bucket = around("publishing", BucketPublishing(bucket))
            yield around("storage", BucketStorage(bucket, copies, in_bucket))
    finally:
        await copies.close()
