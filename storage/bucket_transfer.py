"""Whole files between a bucket and this machine: in pieces, a few at a time, so that one that breaks costs little."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Final

from storage.bucket_objects import Bucket
from storage.bucket_parts import MOST_PARTS
from storage.bucket_records import Part, PutParts, StoredObject
from storage.filesystem import told_as_storage_failed
from storage.side_by_side import side_by_side
from threads.files import off_loop

PIECE_BYTES: Final = 16 * 1024 * 1024
_STREAMED_BYTES: Final = 1024 * 1024


async def upload(bucket: Bucket, key: str, path: Path, size_bytes: int) -> bool:
    """Put a file under ``key``.

    Returns:
        False where one stands there already.

    Raises:
        StorageFailed: The bucket is away for longer than a few tries, or the file can't be read.
    """
    if size_bytes <= PIECE_BYTES:
        content = await read_at(path, 0, size_bytes)
        return await bucket.tried(lambda: bucket.put(key, content))
    piece = piece_bytes(size_bytes)

    async def put(begun: PutParts, number: int, begin: int) -> Part:
        content = await read_at(path, begin, min(begin + piece, size_bytes))
        return await bucket.tried(lambda: bucket.put_part(begun, number, content))

    async def put_all(begun: PutParts) -> bool:
        begins = enumerate(range(0, size_bytes, piece), start=1)
        parts = await side_by_side([partial(put, begun, number, begin) for number, begin in begins])
        return await bucket.tried(lambda: bucket.finish_parts(begun, parts))

    return await bucket.in_parts(key, put_all)


def piece_bytes(size_bytes: int) -> int:
    """Of each part but the last of a file of this size: the same whoever puts it."""
    return max(PIECE_BYTES, -(-size_bytes // MOST_PARTS))


async def read_range(bucket: Bucket, key: str, found: StoredObject, begin: int, end: int) -> AsyncIterator[bytes]:
    """The bytes of an object from ``begin`` up to ``end``, in order; the next piece is fetched while one is sent."""
    pieces = [(at, min(at + _STREAMED_BYTES, end)) for at in range(begin, end, _STREAMED_BYTES)]
    coming: asyncio.Task[bytes] | None = None
    try:
        for number, _ in enumerate(pieces):
            content = await (coming or read_piece(bucket, key, found, *pieces[number]))
            following = pieces[number + 1] if number + 1 < len(pieces) else None
            coming = asyncio.create_task(read_piece(bucket, key, found, *following)) if following is not None else None
            yield content
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait({coming})


async def read_piece(bucket: Bucket, key: str, found: StoredObject, begin: int, end: int) -> bytes:
    """Bytes of this very object, from ``begin`` up to ``end``; tried a few times. Raises ``StorageFailed``."""
    return await bucket.tried(lambda: bucket.read(key, begin, end, found.etag))


async def read_at(path: Path, begin: int, end: int) -> bytes:
    """Bytes of a file of this machine, from ``begin`` up to ``end``. Raises ``StorageFailed``."""

    def read() -> bytes:
        with told_as_storage_failed("read a file", path.parent), path.open("rb") as file:
            file.seek(begin)
            return file.read(end - begin)

    return await off_loop(read)
