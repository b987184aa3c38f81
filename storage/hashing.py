"""SHA-256 of a file as it stands in a storage, read from there and not from a copy that was kept."""

import asyncio
import hashlib
from pathlib import Path

from storage.protocol import LocalFile, Storage


async def sha256_of(storage: Storage, key: str) -> str:
    """As 64 hexadecimal digits.

    Raises:
        OriginalMissing: There is no such original.
        WorkMissing: There is no such other file.
        StorageFailed: It can't be read.
    """
    file = await storage.served(key)
    if isinstance(file, LocalFile):
        return await asyncio.to_thread(_sha256_of, file.path)
    digest = hashlib.sha256()
    async for piece in file.read(0, file.size_bytes):
        await asyncio.to_thread(digest.update, piece)
    return digest.hexdigest()


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
