"""A file that a storage serves, read in pieces, wherever it is."""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncGenerator
from itertools import islice
from typing import Final

from contracts.errors import StorageFailed
from storage.filesystem import told_as_storage_failed
from storage.protocol import LocalFile, RemoteFile
from threads.files import off_loop

_AHEAD: Final = 2


async def size_of(file: LocalFile | RemoteFile) -> int:
    """Its bytes. Raises ``StorageFailed``."""
    if isinstance(file, RemoteFile):
        return file.size_bytes
    with told_as_storage_failed("read a file", file.path.parent):
        return (await off_loop(file.path.stat)).st_size


async def name_of_content(file: LocalFile | RemoteFile) -> str:
    """Sixteen hexadecimal digits that change with its content. Raises ``StorageFailed``."""
    if isinstance(file, RemoteFile):
        told = f"{file.size_bytes} {file.etag}"
    else:
        with told_as_storage_failed("read a file", file.path.parent):
            found = await off_loop(file.path.stat)
        told = f"{found.st_size} {found.st_mtime_ns} {found.st_ino}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


async def read_piece(file: LocalFile | RemoteFile, begin: int, end: int) -> bytes:
    """Its bytes from ``begin`` up to ``end``, neither less nor more. Raises ``StorageFailed``."""
    if isinstance(file, RemoteFile):
        content = b"".join([some async for some in file.read(begin, end)])
    else:
        content = await off_loop(_read_at, file, begin, end)
    if len(content) != end - begin:
        raise StorageFailed(f"{len(content)} bytes came of a file instead of {end - begin}. Was it changed meanwhile?")
    return content


async def pieces_of(file: LocalFile | RemoteFile, begin: int, end: int, piece_bytes: int) -> AsyncGenerator[bytes]:
    """Its bytes from ``begin`` up to ``end``, in order; the next pieces are read while one is used.

    Raises:
        StorageFailed: It can't be read.
    """
    ranges = iter([(at, min(at + piece_bytes, end)) for at in range(begin, end, piece_bytes)])
    coming: deque[asyncio.Task[bytes]] = deque()
    try:
        while True:
            coming.extend(asyncio.create_task(read_piece(file, *one)) for one in islice(ranges, _AHEAD - len(coming)))
            if not coming:
                return
            await asyncio.wait({coming[0]})  # before it is taken out: where this is cancelled, so is it
            yield await coming.popleft()
    finally:
        for task in coming:
            task.cancel()
        await asyncio.gather(*coming, return_exceptions=True)


def _read_at(file: LocalFile, begin: int, end: int) -> bytes:
    with told_as_storage_failed("read a file", file.path.parent), file.path.open("rb") as opened:
        opened.seek(begin)
        return opened.read(end - begin)
