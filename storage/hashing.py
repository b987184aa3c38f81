"""SHA-256 of a file as it stands in a storage, read from there and not from a copy that was kept."""

import asyncio
import hashlib
from pathlib import Path

from storage.filesystem import told_as_storage_failed
from storage.protocol import LocalFile, Storage
from threads.files import off_loop


async def sha256_of(storage: Storage, key: str) -> str:
    """As 64 hexadecimal digits.

    Raises:
        OriginalMissing: There is no such original.
        WorkMissing: There is no such other file.
        StorageFailed: It can't be read.
    """
    file = await storage.served(key)
    if isinstance(file, LocalFile):
        return await sha256_of_file(file.path)
    digest = hashlib.sha256()
    async for piece in file.read(0, file.size_bytes):
        await asyncio.to_thread(digest.update, piece)  # noqa: TID251  bytes of memory
    return digest.hexdigest()


async def sha256_of_file(path: Path) -> str:
    """Of a file of this machine, as 64 hexadecimal digits. Raises ``StorageFailed`` where it can't be read."""
    with told_as_storage_failed("read a file", path):
        return await off_loop(_sha256_of, path)


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
