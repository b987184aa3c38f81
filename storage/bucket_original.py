"""An upload on its way into a bucket: a multipart upload, whose parts can be put by one process after another.

S3 takes no part below 5 MiB but the last, so what is kept beyond the last whole part stands as an object of its own,
the tail, until the upload goes on: ``{key}.tail-{begin}-{end}``.
"""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from typing import Final

from contracts.errors import OriginalMissing, StorageFailed
from storage.bucket_objects import MOST_PARTS, Bucket
from storage.bucket_records import Part, PutParts
from storage.filesystem import off_loop
from storage.protocol import Digest

PART_BYTES: Final = 8 * 1024 * 1024
_GROW_EVERY: Final = 1000
"""Later parts are larger, or ten thousand of them would end at 80 GB."""
TAIL: Final = ".tail-"
_TAIL_NAME: Final = re.compile(r"(\d+)-(\d+)")


class BucketOriginalWriter:
    """``storage.protocol.OriginalWriter`` on a bucket. One caller at a time; invisible under its key until ``commit``.

    At most two parts are in memory: one on its way, one that fills.

    Args:
        bucket: Where it goes.
        key: Under which it will stand.
    """

    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket = bucket
        self._key = key
        self._begun: PutParts | None = None
        self._parts: list[Part] = []
        self._buffer = bytearray()
        self._putting: asyncio.Task[Part] | None = None
        self._digest: Digest | None = hashlib.sha256()
        self._size_bytes = 0
        self._is_open = True
        self._committed = False

    @property
    def size_bytes(self) -> int:
        """Bytes of the file so far, also those that a writer before this one wrote."""
        return self._size_bytes

    @property
    def digest(self) -> Digest | None:
        """SHA-256 of all so far; None where an earlier writer began the file and did not hand its own on."""
        return self._digest

    async def go_on(self, size_bytes: int, digest: Digest | None) -> None:
        """Take up what another writer kept of the file's first ``size_bytes``.

        Raises:
            OriginalMissing: They are not there.
        """
        begun = await self._bucket.unfinished(self._key)
        parts = list(await self._bucket.parts(begun[-1])) if begun else []
        begins = [0]
        for part in parts:
            begins.append(begins[-1] + part.size_bytes)
        tail = await self._tail(size_bytes)
        kept_by_parts = tail[0] if tail is not None else size_bytes
        if kept_by_parts not in begins:
            raise OriginalMissing("What arrived of the upload is not in storage any more. Upload it again.")
        self._begun = begun[-1] if begun else None
        self._parts = parts[: begins.index(kept_by_parts)]
        self._buffer = bytearray(tail[1]) if tail is not None else bytearray()
        self._digest = digest if size_bytes else hashlib.sha256()
        self._size_bytes = size_bytes

    async def write(self, *pieces: bytes | memoryview) -> None:
        """Append bytes; a full part goes on its way while the next one fills."""
        await off_loop(self._take, pieces)
        while len(self._buffer) >= self._next_part_bytes():
            await self._put_part(self._next_part_bytes())

    async def keep(self) -> None:
        """Make everything so far durable, so that another writer can continue after it. Raises ``StorageFailed``."""
        if not self._is_open:
            raise ValueError("The upload is not open.")
        await self._put()
        begin = self._size_bytes - len(self._buffer)
        older = [name async for name, _ in self._bucket.listed(self._key + TAIL)]
        if self._buffer:
            newest = f"{self._key}{TAIL}{begin}-{self._size_bytes}"
            await self._bucket.put(newest, bytes(self._buffer), replace=True)
            older = [name for name in older if name != newest]
        # The one before stays: whoever notes how much is kept may still be about to.
        for name in sorted(older, key=_end_of)[:-1]:
            await self._bucket.delete(name)

    async def commit(self) -> None:
        """Let the file stand under its key. Raises ``StorageFailed``; only ``discard`` makes sense then."""
        if not self._is_open:
            raise ValueError("The upload is not open.")
        await self._put()
        if self._begun is None:
            await self._bucket.put(self._key, bytes(self._buffer), replace=True)
        else:
            if self._buffer or not self._parts:
                await self._put_part(len(self._buffer))
                await self._put()
            await self._bucket.finish_parts(self._begun, self._parts, replace=True)
        found = await self._bucket.head(self._key)
        if found is None or found.size_bytes != self._size_bytes:
            raise StorageFailed(f"{self._bucket.where} does not hold the upload as it was sent. Upload it again.")
        self._committed = True
        self._buffer.clear()
        await self._bucket.delete_all(self._key + TAIL)

    async def close(self) -> None:
        """Let go without removing anything; what was kept stays."""
        await self._stop_putting()
        self._buffer.clear()

    async def discard(self) -> None:
        """Remove what was written. Does nothing after ``commit`` or a second time."""
        await self._stop_putting()
        self._buffer.clear()
        if not self._committed:
            await remove_unfinished(self._bucket, self._key)

    def _take(self, pieces: Sequence[bytes | memoryview]) -> None:
        for piece in pieces:
            if self._digest is not None:
                self._digest.update(piece)
            self._buffer += piece
            self._size_bytes += len(piece)

    def _next_part_bytes(self) -> int:
        return PART_BYTES * (1 + (len(self._parts) + (self._putting is not None)) // _GROW_EVERY)

    async def _put_part(self, size_bytes: int) -> None:
        await self._put()
        if self._begun is None:
            self._begun = await self._bucket.begin_parts(self._key)
        content = bytes(memoryview(self._buffer)[:size_bytes])
        del self._buffer[:size_bytes]
        number = len(self._parts) + 1
        if number > MOST_PARTS:
            raise ValueError("A file of so many parts is larger than any limit.")
        self._putting = asyncio.create_task(self._bucket.put_part(self._begun, number, content))

    async def _put(self) -> None:
        """Wait for the part on its way. Waiting, unlike awaiting it, does not pass a cancellation on."""
        if self._putting is not None:
            await asyncio.wait({self._putting})
            putting, self._putting = self._putting, None
            try:
                self._parts.append(putting.result())
            except BaseException:
                self._is_open = False  # there is a hole now: nothing after it may be kept or committed
                raise

    async def _stop_putting(self) -> None:
        self._is_open = False
        putting, self._putting = self._putting, None
        if putting is not None:
            putting.cancel()
            await asyncio.wait({putting})
            if not putting.cancelled():
                putting.exception()

    async def _tail(self, end: int) -> tuple[int, bytes] | None:
        """Where the tail that ends there begins, and its bytes."""
        async for name, found in self._bucket.listed(self._key + TAIL):
            match = _TAIL_NAME.fullmatch(name.removeprefix(self._key + TAIL))
            if match is not None and int(match[2]) == end:
                return int(match[1]), await self._bucket.read(name, 0, found.size_bytes, found.etag)
        return None


async def remove_unfinished(bucket: Bucket, key: str) -> None:
    """Remove the parts and tails of an original that will not be finished."""
    for begun in await bucket.unfinished(key):
        await bucket.drop_parts(begun)
    await bucket.delete_all(key + TAIL)


def _end_of(tail_key: str) -> int:
    match = _TAIL_NAME.search(tail_key.rpartition(TAIL)[2])
    return int(match[2]) if match is not None else 0
