"""An upload on its way into a bucket: a multipart upload, whose parts can be put by one process after another.

S3 takes no part below 5 MiB but the last, so what is kept beyond the last whole part stands in an object of its own,
the tail, until the upload goes on: ``{key}.tail-{end}``. It also names the multipart upload and its parts, so that
whoever goes on takes those, and not what another request put whose bytes did not count.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from contracts.errors import OriginalMissing, StorageFailed
from storage.bucket_errors import NO_UPLOAD, is_refused_as
from storage.bucket_objects import Bucket
from storage.bucket_parts import MOST_PARTS
from storage.bucket_records import Part, PutParts
from storage.bucket_tail import TAIL, Tail, tail_key
from storage.protocol import Digest, Kept
from storage.spooling import Spool, Spooling
from threads.files import off_loop

_ETAG_OF_PARTS: Final = re.compile(r"[0-9a-f]{32}-\d+")
PART_BYTES: Final = 8 * 1024 * 1024
_GROW_EVERY: Final = 1000
"""Later parts are larger, or ten thousand of them would end at 80 GB."""
_TWICE: Final = 2


class BucketOriginalWriter:
    """``storage.protocol.OriginalWriter`` on a bucket. One caller at a time; invisible under its key until ``commit``.

    Args:
        bucket: Where it goes.
        key: Under which it will stand.
        spooling: Has the memory of a part on its way.
        spool: Has the part that fills.
        stood: ETag of the whole file that stood there when the caller's turn began, which this one may replace. What
            came there since is another's, as of a turn that ended while this process was held up.
    """

    def __init__(self, bucket: Bucket, key: str, spooling: Spooling, spool: Spool, stood: str | None = None) -> None:
        self._bucket = bucket
        self._key = key
        self._spooling = spooling
        self._spool = spool
        self._stood = stood
        self._begun: PutParts | None = None
        self._parts: list[Part] = []
        self._tails: list[str] = []
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
    def keeps_anew(self) -> bool:
        """A part that has not filled is put as a whole."""
        return True

    @property
    def digest(self) -> Digest | None:
        """SHA-256 of all so far; None where an earlier writer began the file and did not hand its own on."""
        return self._digest

    async def go_on(self, size_bytes: int, digest: Digest | None) -> None:
        """Take up what another writer kept of the file's first ``size_bytes``.

        Raises:
            OriginalMissing: They are not there.
        """
        name = tail_key(self._key, size_bytes)
        found = await self._bucket.head(name)
        if found is None:
            raise _lost()
        async with self._spooling.holding(_TWICE * found.size_bytes):  # as it comes, and put together
            tail = Tail.read(await self._bucket.read(name, 0, found.size_bytes, found.etag))
            if tail.upload_id is not None:
                self._begun = await self._still_there(tail.upload_id, tail.parts)
            await off_loop(self._spool.append, [tail.rest])
        self._parts = list(tail.parts)
        self._tails = [name]
        self._digest = digest if size_bytes else hashlib.sha256()
        self._size_bytes = size_bytes

    async def write(self, *pieces: bytes | memoryview) -> None:
        """Append bytes; a full part goes on its way while the next one fills."""
        await off_loop(self._take, pieces)
        while self._spool.size_bytes >= self._next_part_bytes():
            await self._put_part(self._next_part_bytes())

    async def keep(self) -> None:
        """Make everything so far durable, so that another writer can continue after it. Raises ``StorageFailed``."""
        if not self._is_open:
            raise ValueError("The upload is not open.")
        await self._put()
        newest = tail_key(self._key, self._size_bytes)
        async with self._spooling.holding(_TWICE * self._spool.size_bytes):  # by itself, and in the tail
            rest = await off_loop(self._spool.read, self._spool.size_bytes)
            tail = Tail(self._begun.upload_id if self._begun is not None else None, tuple(self._parts), rest)
            await self._bucket.put(newest, await off_loop(tail.content), replace=True)
        older = [name for name in self._tails if name != newest]
        # The one before stays: whoever notes how much is kept may still be about to.
        for name in older[:-1]:
            await self._bucket.delete(name)
        self._tails = [*older[-1:], newest]

    async def commit(self) -> None:
        """Let the file stand under its key. Raises ``StorageFailed``; only ``discard`` makes sense then."""
        if not self._is_open:
            raise ValueError("The upload is not open.")
        try:
            await self._commit()
        finally:
            self._is_open = False
            await off_loop(self._spool.close)
        await remove_unfinished(self._bucket, self._key)

    async def close(self) -> None:
        """Let go without removing anything; what was kept stays."""
        await self._stop_putting()
        await off_loop(self._spool.close)

    async def discard(self) -> None:
        """Remove what this writer wrote or took up. Does nothing after ``commit`` or a second time."""
        await self._stop_putting()
        await off_loop(self._spool.close)
        if self._committed:
            return
        begun, self._begun = self._begun, None
        tails, self._tails = self._tails, []
        if begun is not None:
            await self._bucket.drop_parts(begun)
        for name in tails:
            await self._bucket.delete(name)

    async def _commit(self) -> None:
        await self._put()
        # Few servers can be told which ETag is to be replaced; that nothing is to be, all of them can.
        replace = self._stood is not None and await self._bucket.etag(self._key) == self._stood
        is_ours, etag = await self._place(replace=replace)
        found = await self._bucket.head(self._key)
        # The client asks again where an answer is lost, and then finds what it put itself.
        if not is_ours and (found is None or (found.size_bytes, found.etag) != (self._size_bytes, etag)):
            raise StorageFailed("Another request finished this upload meanwhile, and with other bytes. Those stay.")
        if found is None or found.size_bytes != self._size_bytes or not is_made_of(found.etag, self._parts):
            await self._bucket.delete(self._key)  # or it would be taken for the whole file
            raise StorageFailed(f"{self._bucket.where} does not hold the upload as it was sent. Upload it again.")
        self._committed = True

    async def _place(self, *, replace: bool) -> tuple[bool, str | None]:
        """Let the file stand.

        Returns:
            Whether it was this that did it; if not, or in parts, the ETag by its content, where that is known.
        """
        if self._begun is None:
            async with self._spooling.holding(self._spool.size_bytes):
                content = await off_loop(self._spool.read, self._spool.size_bytes)
                is_ours = await self._bucket.put(self._key, content, replace=replace)
                return is_ours, None if is_ours else await off_loop(_md5, content)
        if self._spool.size_bytes or not self._parts:
            await self._put_part(self._spool.size_bytes)
            await self._put()
        return await self._bucket.finish_parts(self._begun, self._parts, replace=replace), etag_of(self._parts)

    def _take(self, pieces: Sequence[bytes | memoryview]) -> None:
        for piece in pieces:
            if self._digest is not None:
                self._digest.update(piece)
            self._size_bytes += len(piece)
        self._spool.append(pieces)

    def _next_part_bytes(self) -> int:
        return PART_BYTES * (1 + (len(self._parts) + (self._putting is not None)) // _GROW_EVERY)

    async def _put_part(self, size_bytes: int) -> None:
        await self._put()
        if self._begun is None:
            self._begun = await self._bucket.begin_parts(self._key)
        number = len(self._parts) + 1
        if number > MOST_PARTS:
            raise ValueError("A file of so many parts is larger than any limit.")
        await self._spooling.hold(size_bytes)
        try:
            content = await self._spooling.take(self._spool, size_bytes)
        except BaseException:
            self._is_open = False  # it may have been taken
            raise
        self._putting = asyncio.create_task(self._bucket.put_part(self._begun, number, content))
        self._putting.add_done_callback(lambda _: self._spooling.give_back(size_bytes))

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

    async def _still_there(self, upload_id: str, parts: Sequence[Part]) -> PutParts:
        """The multipart upload of a tail. Raises ``OriginalMissing`` where it or one of these parts is gone."""
        begun = PutParts(self._key, upload_id)
        if begun not in await self._bucket.unfinished(self._key):
            raise _lost()
        there = await self._bucket.parts(begun, {part.number: part.etag.strip('"') for part in parts})
        known = {part.number: (part.etag.strip('"'), part.size_bytes) for part in there}
        if any(known.get(part.number) != (part.etag.strip('"'), part.size_bytes) for part in parts):
            raise _lost()
        return begun


async def remove_unfinished(bucket: Bucket, key: str) -> None:
    """Remove the parts and tails of a file that will not be finished."""
    for begun in await bucket.unfinished(key):
        await bucket.drop_parts(begun)
    await bucket.delete_all(key + TAIL)


async def begun_below(bucket: Bucket, prefix: str) -> AsyncIterator[tuple[PutParts, Kept]]:
    """What was begun in parts under keys that begin so: how much of it is there, and when the last of it came.

    What was begun long ago may go on: the last part tells.
    """
    for begun, since in await bucket.all_unfinished(prefix):
        try:
            size_bytes, newest = await bucket.put_so_far(begun)
        except StorageFailed as error:
            if not is_refused_as(error, NO_UPLOAD):
                raise
            continue  # it was finished or dropped meanwhile
        yield begun, Kept(begun.key, size_bytes, since if newest is None else newest, is_whole=False)


async def remove_abandoned(bucket: Bucket, key: str, before: datetime) -> int | None:
    """Remove the parts and tails of a file that nobody has written to since; how many bytes that was, None of none."""
    removed = []
    async for begun, there in begun_below(bucket, key):
        if begun.key == key and there.modified < before:
            await bucket.drop_parts(begun)
            removed.append(there.size_bytes)
    async for name, found in bucket.listed(key + TAIL):
        if found.modified < before:
            await bucket.delete(name)
            removed.append(found.size_bytes)
    return sum(removed) if removed else None


def is_made_of(etag: str, parts: Sequence[Part]) -> bool:
    """Whether an object is made of these parts, by its ETag.

    True where that can't be told: of an object that was put whole, which the server compared, and where ETags are
    something else, as with encryption by a key of the customer's.
    """
    known = etag_of(parts)
    return known is None or not _ETAG_OF_PARTS.fullmatch(etag) or etag == known


def etag_of(parts: Sequence[Part]) -> str | None:
    """Of an object that is made of these: the MD5 of their MD5s, and how many; None where these are not known."""
    if not parts or not all(part.is_md5 for part in parts):
        return None
    digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
    return f"{_md5(digests)}-{len(parts)}"


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _lost() -> OriginalMissing:
    return OriginalMissing("What arrived of the upload is not in storage any more. Upload it again.")
