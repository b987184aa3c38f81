"""The steps of one publication in a bucket: a process may die between any two, and the next one goes on."""

from contracts.storage_keys import WorkFile
from storage.bucket_objects import Bucket
from storage.keys import missing


class BucketPublishing:
    """Moves work files to where they are served from, in steps that succeed twice.

    Args:
        bucket: The objects.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def look(self, file: WorkFile, target: str) -> None:
        """Raise ``WorkMissing`` unless the file is at either place."""
        if not await self._stands(file.key, file.size_bytes) and not await self._stands(target, file.size_bytes):
            raise missing(file.key, f"{self._bucket.where}, nor published")

    async def place(self, file: WorkFile, target: str) -> None:
        """Copy the file to its published name; one that is not there under the other was moved before."""
        if not await self._stands(file.key, file.size_bytes):
            return
        # Another attempt may publish the same meanwhile and be faster, so that the source goes.
        copied = await self._bucket.copy(file.key, target, file.size_bytes)
        if not copied and not await self._stands(target, file.size_bytes):
            raise missing(file.key, f"{self._bucket.where}, nor published")

    async def take(self, file: WorkFile) -> None:
        """Take the file's work name; gone already is a success."""
        await self._bucket.delete(file.key)

    async def _stands(self, key: str, size_bytes: int) -> bool:
        found = await self._bucket.head(key)
        return found is not None and found.size_bytes == size_bytes
