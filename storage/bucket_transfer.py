"""Whole files between a bucket and this machine: in pieces, a few at a time, so that one that breaks costs little."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from contracts.errors import StorageFailed
from storage.bucket_objects import MOST_PARTS, Bucket
from storage.bucket_records import Part, StoredObject
from storage.filesystem import off_loop, told_as_storage_failed

_PIECE_BYTES: Final = 16 * 1024 * 1024
_AT_ONCE: Final = 4
_FIRST_PAUSE_SECONDS: Final = 0.25
_STREAMED_BYTES: Final = 1024 * 1024

Result = TypeVar("Result")


async def download(bucket: Bucket, key: str, found: StoredObject, path: Path) -> None:
    """Fetch an object to ``path``.

    Raises:
        StorageFailed: The bucket is away for longer than a few tries, the object was replaced meanwhile, or the disk
            refused.
    """
    ranges = [(at, min(at + _PIECE_BYTES, found.size_bytes)) for at in range(0, found.size_bytes, _PIECE_BYTES)]
    with told_as_storage_failed("keep a copy", path.parent):
        descriptor = await off_loop(os.open, path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)

    async def fetch(begin: int, end: int) -> None:
        content = await _tried(bucket, lambda: bucket.read(key, begin, end, found.etag))
        if len(content) != end - begin:
            raise StorageFailed(f"{bucket.where} gave {len(content)} bytes instead of {end - begin}.")
        with told_as_storage_failed("keep a copy", path.parent):
            await off_loop(_write_at, descriptor, content, begin)

    try:
        await _side_by_side([partial(fetch, begin, end) for begin, end in ranges])
    finally:
        os.close(descriptor)


async def upload(bucket: Bucket, key: str, path: Path, size_bytes: int) -> bool:
    """Put a file under ``key``.

    Returns:
        False where one stands there already.

    Raises:
        StorageFailed: The bucket is away for longer than a few tries, or the file can't be read.
    """
    if size_bytes <= _PIECE_BYTES:
        content = await _read_at(path, 0, size_bytes)
        return await _tried(bucket, lambda: bucket.put(key, content))
    piece = max(_PIECE_BYTES, -(-size_bytes // MOST_PARTS))
    begun = await _tried(bucket, lambda: bucket.begin_parts(key))

    async def put(number: int, begin: int) -> Part:
        content = await _read_at(path, begin, min(begin + piece, size_bytes))
        return await _tried(bucket, lambda: bucket.put_part(begun, number, content))

    try:
        begins = enumerate(range(0, size_bytes, piece), start=1)
        parts = await _side_by_side([partial(put, number, begin) for number, begin in begins])
        return await _tried(bucket, lambda: bucket.finish_parts(begun, parts))
    except BaseException:
        await bucket.drop_parts(begun)
        raise


async def read_range(bucket: Bucket, key: str, found: StoredObject, begin: int, end: int) -> AsyncIterator[bytes]:
    """The bytes of an object from ``begin`` up to ``end``, in order; the next piece is fetched while one is sent."""
    pieces = [(at, min(at + _STREAMED_BYTES, end)) for at in range(begin, end, _STREAMED_BYTES)]
    coming: asyncio.Task[bytes] | None = None
    try:
        for number, _ in enumerate(pieces):
            content = await (coming or _read(bucket, key, found, *pieces[number]))
            following = pieces[number + 1] if number + 1 < len(pieces) else None
            coming = asyncio.create_task(_read(bucket, key, found, *following)) if following is not None else None
            yield content
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait({coming})


async def _read(bucket: Bucket, key: str, found: StoredObject, begin: int, end: int) -> bytes:
    return await _tried(bucket, lambda: bucket.read(key, begin, end, found.etag))


async def _side_by_side(works: list[Callable[[], Awaitable[Result]]]) -> list[Result]:
    """Do all, a few at a time; the first failure ends the others."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def do(work: Callable[[], Awaitable[Result]]) -> Result:
        async with turn:
            return await work()

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(do(work)) for work in works]
    except* StorageFailed as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def _tried(bucket: Bucket, work: Callable[[], Awaitable[Result]]) -> Result:
    """A few times: a server that is just being started again is no reason to begin a large file anew."""
    pause = _FIRST_PAUSE_SECONDS
    for _ in range(bucket.tries - 1):
        try:
            return await work()
        except StorageFailed:
            await asyncio.sleep(pause)
            pause *= 2
    return await work()


async def _read_at(path: Path, begin: int, end: int) -> bytes:
    def read() -> bytes:
        with told_as_storage_failed("read a file", path.parent), path.open("rb") as file:
            file.seek(begin)
            return file.read(end - begin)

    return await off_loop(read)


def _write_at(descriptor: int, content: bytes, begin: int) -> None:
    rest = memoryview(content)
    while rest:
        written = os.pwrite(descriptor, rest, begin)
        rest, begin = rest[written:], begin + written
