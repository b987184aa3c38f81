"""When a file came to stand in a storage, by the clock of that storage."""

from datetime import UTC, datetime

from storage.protocol import LocalFile, Storage
from threads.files import off_loop


async def modified_at(storage: Storage, key: str) -> datetime:
    """When the file under ``key`` was written.

    Raises:
        OriginalMissing: There is no such original.
        WorkMissing: There is no such other file.
        StorageFailed: The storage does not answer.
    """
    file = await storage.served(key)
    if isinstance(file, LocalFile):
        return datetime.fromtimestamp((await off_loop(file.path.stat)).st_mtime, UTC)
    return file.modified
