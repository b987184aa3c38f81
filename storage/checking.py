"""A trial of a storage: everything that the service will ask of it, on files that are gone afterwards."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from contracts.errors import StorageFailed
from contracts.storage_keys import ORIGINALS_PREFIX, PROCESSED_PREFIX
from storage.modified import modified_at
from storage.protocol import LocalFile, Storage

_SMALL_BYTES: Final = 1024 * 1024
_LARGE_BYTES: Final = 9 * 1024 * 1024
"""More than one part of a multipart upload."""
_RANGE: Final = (1000, 70_000)
_MOST_SKEW_SECONDS: Final = 60.0
"""S3 refuses requests a quarter of an hour off; signed addresses that live for minutes suffer much earlier."""


@dataclass(frozen=True)
class Trial:
    """What was tried.

    Attributes:
        what: In a word or two.
        found: What came of it.
        holds: Whether it is as it should be.
    """

    what: str
    found: str
    holds: bool


async def try_storage(storage: Storage) -> AsyncIterator[Trial]:
    """Write, read, read a range, compare clocks, upload in parts, delete. The first failure is the last trial."""
    key, original = (f"{prefix}check-{secrets.token_hex(8)}" for prefix in (PROCESSED_PREFIX, ORIGINALS_PREFIX))
    content = secrets.token_bytes(_SMALL_BYTES)
    what = "write"
    try:
        async with storage.create(key) as path:
            await asyncio.to_thread(path.write_bytes, content)
        yield Trial(what, f"{len(content)} bytes", holds=await storage.size(key) == len(content))
        for what, begin, end in (("read", 0, len(content)), ("range", *_RANGE)):
            same = await _bytes_of(storage, key, begin, end) == content[begin:end]
            yield Trial(what, f"{end - begin} bytes, {'the same' if same else 'not those that were written'}", same)
        what = "clock"
        skew = await _skew_seconds(storage, key)
        agrees = abs(skew) < _MOST_SKEW_SECONDS
        found = f"{abs(skew):.1f} s {'behind' if skew > 0 else 'ahead of'} ours"
        yield Trial(what, found if agrees else f"{found}: set both right (NTP)", agrees)
        what = "upload"
        yield await _upload(storage, original)
        what = "delete"
        for written in (key, original):
            await storage.delete(written)
        gone = [await storage.size(written) is None for written in (key, original)]
        yield Trial(what, "nothing is left" if all(gone) else "something is left", all(gone))
    except StorageFailed as error:
        yield Trial(what, str(error), holds=False)


async def _upload(storage: Storage, key: str) -> Trial:
    content = secrets.token_bytes(_LARGE_BYTES)
    writer = await storage.create_original(key)
    try:
        await writer.write(content)
        await writer.commit()
    finally:
        await writer.discard()
    arrived = await _bytes_of(storage, key, 0, len(content)) == content
    return Trial("upload", f"{len(content)} bytes, {'whole' if arrived else 'not as they were sent'}", arrived)


async def _bytes_of(storage: Storage, key: str, begin: int, end: int) -> bytes:
    file = await storage.served(key)
    if isinstance(file, LocalFile):
        return (await asyncio.to_thread(file.path.read_bytes))[begin:end]
    return b"".join([piece async for piece in file.read(begin, end)])


async def _skew_seconds(storage: Storage, key: str) -> float:
    """How far the storage's clock is behind ours, by the time that it gave a file just written."""
    return (datetime.now(UTC) - await modified_at(storage, key)).total_seconds()
