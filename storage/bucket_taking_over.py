"""A file of another storage that comes into a bucket, in parts: what a killed process put of it is not put again.

Of the parts that stand there those count whose MD5 is that of the file's own bytes, so that nothing has to be kept of
how far a copy came, and two that copy the same file at once do no harm to each other. Where a server's ETags are no
MD5s, as with encryption by a key of the customer's, nothing is taken up; the sweep ends it a day later.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from contracts.errors import StorageFailed
from storage.bucket_errors import NO_UPLOAD, is_refused_as
from storage.bucket_objects import Bucket
from storage.bucket_original import is_made_of
from storage.bucket_records import Part, PutParts
from storage.bucket_transfer import PIECE_BYTES, piece_bytes
from storage.pieces import pieces_of, read_piece, size_of
from storage.protocol import LocalFile, RemoteFile

_AT_ONCE: Final = 4


@dataclass(frozen=True)
class _Begun:
    """What another process put of a file.

    Attributes:
        put: The multipart upload.
        parts: Those that are there, by number.
    """

    put: PutParts
    parts: Mapping[int, Part]


async def take_over(bucket: Bucket, key: str, file: LocalFile | RemoteFile) -> str | None:
    """Let it stand under ``key``. What was put stays where this fails or is cancelled, for the next one to go on.

    Returns:
        SHA-256 of the file as it was read; None where another one stands there by now.

    Raises:
        StorageFailed: It can't be read, or the bucket refuses.
    """
    size_bytes = await size_of(file)
    if size_bytes <= PIECE_BYTES:
        content = await read_piece(file, 0, size_bytes)
        is_ours = await bucket.tried(lambda: bucket.put(key, content))
        return hashlib.sha256(content).hexdigest() if is_ours else None
    earlier = await _begun_of(bucket, key, file, size_bytes)
    most = max(earlier, key=lambda begun: len(begun.parts), default=None)
    if most is None:
        most = _Begun(await bucket.tried(lambda: bucket.begin_parts(key)), {})
    parts, digest = await _put_missing(bucket, most, file, size_bytes)
    is_ours = await _finish(bucket, most.put, parts)
    for begun in earlier:
        if begun is not most:
            await bucket.drop_parts(begun.put)
    return digest if is_ours else None


async def _begun_of(bucket: Bucket, key: str, file: LocalFile | RemoteFile, size_bytes: int) -> list[_Begun]:
    """What was begun of this very file; others put under the same key, too, as an import that is tried again does."""
    piece, found = piece_bytes(size_bytes), []
    for put in await bucket.tried(lambda: bucket.unfinished(key)):
        try:
            parts = {part.number: part for part in await bucket.parts(put)}
        except StorageFailed as error:
            if is_refused_as(error, NO_UPLOAD):  # another one finished it meanwhile
                continue
            raise
        first = parts[min(parts)] if parts else None
        begin = (first.number - 1) * piece if first is not None else size_bytes
        if first is None or begin >= size_bytes:
            continue
        if _is(first, await read_piece(file, begin, min(begin + piece, size_bytes))):
            found.append(_Begun(put, parts))
    return found


async def _put_missing(
    bucket: Bucket, begun: _Begun, file: LocalFile | RemoteFile, size_bytes: int
) -> tuple[list[Part], str]:
    """Read all of the file, and put what is not there; all parts by number, and the SHA-256."""
    parts: dict[int, Part] = {}
    digest = hashlib.sha256()
    turn = asyncio.Semaphore(_AT_ONCE)

    async def put(number: int, content: bytes) -> None:
        parts[number] = await bucket.tried(lambda: bucket.put_part(begun.put, number, content))
        turn.release()

    try:
        async with (
            asyncio.TaskGroup() as putting,
            aclosing(pieces_of(file, 0, size_bytes, piece_bytes(size_bytes))) as pieces,
        ):
            number = 0
            async for content in pieces:
                number += 1
                await asyncio.to_thread(digest.update, content)  # noqa: TID251  bytes of memory
                standing = begun.parts.get(number)
                if standing is not None and await asyncio.to_thread(_is, standing, content):  # noqa: TID251  bytes of memory
                    parts[number] = Part(number, standing.etag, len(content), is_md5=True)
                else:
                    await turn.acquire()
                    putting.create_task(put(number, content))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures.exceptions[0].__cause__
    return [parts[number] for number in sorted(parts)], digest.hexdigest()


async def _finish(bucket: Bucket, begun: PutParts, parts: list[Part]) -> bool:
    try:
        return await bucket.tried(lambda: bucket.finish_parts(begun, parts))
    except StorageFailed as error:
        if not is_refused_as(error, NO_UPLOAD):
            raise
        # Its answer was lost, or another one that copies the same finished what both had put.
        found = await bucket.head(begun.key)
        if found is None or found.size_bytes != sum(part.size_bytes for part in parts):
            raise
        return is_made_of(found.etag, parts)


def _is(part: Part, content: bytes) -> bool:
    """Whether a part holds these bytes, by its MD5."""
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return (part.size_bytes, part.etag.strip('"')) == (len(content), digest)
