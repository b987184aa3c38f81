"""Storage in a bucket: what processes on any number of machines share, with copies of what they work on."""

import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from contracts.errors import StorageFailed
from contracts.partial_file import PartialFile
from contracts.storage_keys import CHECKS_PREFIX, FIRST_EDITION, WORK_PREFIX, WorkFile, processed_key
from storage import bucket_taking_over, bucket_transfer
from storage.bucket_direct import BucketDirect
from storage.bucket_objects import Bucket
from storage.bucket_original import BucketOriginalWriter, begun_below, remove_abandoned, remove_unfinished
from storage.bucket_publishing import BucketPublishing
from storage.bucket_records import StoredObject
from storage.bucket_tail import TAIL
from storage.keys import checked_key, missing
from storage.local_copies import LocalCopies
from storage.placing import size_of
from storage.protocol import Claim, Digest, Kept, LocalFile, RemoteFile
from storage.spooling import Spooling
from threads.files import off_loop


class BucketStorage:
    """``storage.protocol.Storage`` in a bucket.

    Args:
        bucket: The objects.
        copies: What was fetched and what was made here.
        publishing: The steps of a publication; by default as they are.
        spooling: Has the uploads that come; by default below the copies.
    """

    def __init__(
        self,
        bucket: Bucket,
        copies: LocalCopies,
        publishing: BucketPublishing | None = None,
        spooling: Spooling | None = None,
    ) -> None:
        self._bucket = bucket
        self._spooling = spooling or Spooling(copies)
        self._copies = copies
        self._publishing = publishing or BucketPublishing(bucket)

    async def create_original(self, key: str, claim: Claim | None = None) -> BucketOriginalWriter:
        """Its parts are in the bucket and not to be seen until ``commit``; those of one begun before go."""
        earlier = await self._bucket.unfinished(checked_key(key))
        stood = await self._bucket.etag(key)
        if claim is not None:
            await claim()  # whoever takes the turn from here on puts parts of an upload that is not among these
        for begun in earlier:
            await self._bucket.drop_parts(begun)
        return await self._writer(key, stood)

    async def continue_original(
        self,
        key: str,
        size_bytes: int,
        digest: Digest | None = None,
        claim: Claim | None = None,
    ) -> BucketOriginalWriter:
        """Go on after what another writer kept. Raises ``OriginalMissing``.

        Nothing goes, so nothing is claimed but where a whole file stands, which is replaced in the end.
        """
        stood = await self._bucket.etag(checked_key(key))
        if stood is not None and claim is not None:
            await claim()
        writer = await self._writer(key, stood)
        try:
            await writer.go_on(size_bytes, digest)
        except BaseException:
            await writer.close()
            raise
        return writer

    def direct(self) -> BucketDirect:
        """By addresses that the bucket takes parts at."""
        return BucketDirect(self._bucket)

    async def free_bytes(self) -> int | None:
        """None: nobody can ask a bucket."""
        return None

    @asynccontextmanager
    async def fetch(self, key: str) -> AsyncIterator[Path]:
        """A copy, shared with whoever else reads it here. Raises ``OriginalMissing`` or ``WorkMissing``."""
        async with self.fetch_partly(key) as file:
            await file.need_all()
            yield file.path

    @asynccontextmanager
    async def fetch_partly(self, key: str) -> AsyncIterator[PartialFile]:
        """A copy with holes where nothing was needed yet. Raises ``OriginalMissing`` or ``WorkMissing``."""
        found = await self._found(key)
        read = partial(bucket_transfer.read_piece, self._bucket, key, found)
        async with self._copies.lend(_copy_name(key, found), found.size_bytes, read) as file:
            yield file

    @asynccontextmanager
    async def create(self, key: str) -> AsyncIterator[Path]:
        """A file of this machine, put under its key when the block has succeeded."""
        checked_key(key)
        async with self._copies.part() as part:
            yield part
            size_bytes = await off_loop(size_of, part)
            if size_bytes is None:
                raise StorageFailed(f"{key} was to be written, and no file came of it. Is something clearing scratch?")
            if await bucket_transfer.upload(self._bucket, key, part, size_bytes):
                found = await self._bucket.head(key)
                if found is not None and found.size_bytes == size_bytes:
                    await self._copies.adopt(_copy_name(key, found), part, size_bytes)

    async def take_over(self, key: str, file: LocalFile | RemoteFile) -> str | None:
        """Put it in parts, those alone that are not there; no copy of it comes to this machine's disk."""
        return await bucket_taking_over.take_over(self._bucket, checked_key(key), file)

    async def size(self, key: str) -> int | None:
        """Size in bytes of the file under ``key``, or None if there is none."""
        found = await self._bucket.head(checked_key(key))
        return found.size_bytes if found is not None else None

    async def delete(self, key: str) -> None:
        """Remove the file under ``key`` and any part of it; gone already is a success."""
        await self._bucket.delete(checked_key(key))
        if not key.startswith(WORK_PREFIX):  # what is begun there goes with the folder
            await remove_unfinished(self._bucket, key)

    async def delete_unfinished(self, key: str, before: datetime) -> int | None:
        """Parts and tails that nobody has written to since; how many bytes that was, None of none."""
        return await remove_abandoned(self._bucket, checked_key(key), before)

    async def delete_folder(self, prefix: str) -> None:
        """Remove every file below ``prefix``, and what was begun there; none is a success."""
        prefix = f"{checked_key(prefix.removesuffix('/'))}/"
        await self._bucket.delete_all(prefix)
        for begun, _ in await self._bucket.all_unfinished(prefix):
            await self._bucket.drop_parts(begun)

    async def publish(self, video_id: str, files: Mapping[str, WorkFile], edition: int = FIRST_EDITION) -> None:
        """Copy each file to its published name, then take its work name. Raises ``WorkMissing``."""
        moves = [(file, processed_key(video_id, name, edition)) for name, file in files.items()]
        for file, target in moves:
            await self._publishing.look(file, target)
        for file, target in moves:
            await self._publishing.place(file, target)
        for file, _ in moves:
            await self._publishing.take(file)

    async def listed(self, prefix: str) -> AsyncIterator[Kept]:
        """Finished files alone: parts are not to be seen, and tails of uploads are passed over."""
        async for key, found in self._bucket.listed(f"{checked_key(prefix.removesuffix('/'))}/"):
            if TAIL not in key:
                yield Kept(key, found.size_bytes, found.modified)

    async def kept(self, prefix: str) -> AsyncIterator[Kept]:
        """Tails and parts, too, each under the key of the file that it was to become."""
        prefix = f"{checked_key(prefix.removesuffix('/'))}/"
        async for key, found in self._bucket.listed(prefix):
            name, tail, _ = key.partition(TAIL)
            yield Kept(name, found.size_bytes, found.modified, is_whole=not tail)
        async for _, there in begun_below(self._bucket, prefix):
            yield there

    async def served(self, key: str) -> RemoteFile:
        """The object, to be read from the bucket by whoever asks. Raises as ``fetch``."""
        found = await self._found(key)

        def read(begin: int, end: int) -> AsyncIterator[bytes]:
            return bucket_transfer.read_range(self._bucket, key, found, begin, end)

        async def address(seconds: int, media_type: str, disposition: str | None) -> str:
            return await self._bucket.address_to_read(key, seconds, media_type, disposition)

        return RemoteFile(found.size_bytes, found.etag, found.modified, read, address)

    async def published_origin(self) -> str:
        """The bucket's own, as it stands in its signed addresses; making one asks nobody."""
        address = urlsplit(await self._bucket.address_to_read(CHECKS_PREFIX, 1, "video/mp4"))
        return f"{address.scheme}://{address.netloc}"

    async def mark(self) -> str:
        """What the marker says, below the prefix; the first one stays."""
        return await self._bucket.mark()

    async def owner(self) -> str | None:
        """What stands beside the marker."""
        return await self._bucket.owner()

    async def claim(self, database: str, *, replace: bool = False) -> str:
        """The first one stays, as that of the marker."""
        return await self._bucket.claim(database, replace=replace)

    async def check(self) -> None:
        """Raise ``StorageFailed`` unless the bucket takes a file and gives it back."""
        key, content = f"{CHECKS_PREFIX}{secrets.token_hex(8)}", secrets.token_bytes(16)
        await self._bucket.put(key, content)
        try:
            if await self._bucket.read(key, 0, len(content)) != content:
                raise StorageFailed(f"{self._bucket.where} gives back other bytes than it was given.")
        finally:
            await self._bucket.delete(key)

    def waited_for(self) -> None:
        """None: there is one place, and no disk of ours."""

    async def _writer(self, key: str, stood: str | None) -> BucketOriginalWriter:
        return BucketOriginalWriter(self._bucket, key, self._spooling, await self._spooling.begin(), stood)

    async def _found(self, key: str) -> StoredObject:
        found = await self._bucket.head(checked_key(key))
        if found is None:
            raise missing(key, self._bucket.where)
        return found


def _copy_name(key: str, found: StoredObject) -> str:
    """Another content under the same key is another copy."""
    return hashlib.sha256(f"{key}\n{found.etag}\n{found.size_bytes}".encode()).hexdigest()
