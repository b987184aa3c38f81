"""The objects of one bucket, below one prefix: what S3's API offers, in our words.

Written for every server that speaks S3. So a part is checked by its MD5, which all of them do, and a whole object by
its SHA-256; an object that must not be replaced is put with ``If-None-Match``.
"""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC
from functools import partial
from typing import Final, TypedDict

from botocore.exceptions import ClientError

from contracts.errors import StorageFailed
from storage.bucket_errors import NO_SOURCE, NOT_OFFERED, NOT_THERE, THERE_ALREADY, code_of, has, is_refused_as
from storage.bucket_parts import ObjectsInParts, media_type_of, past_conflicts, unless_there
from storage.bucket_records import Part, PutParts, StoredObject
from storage.marking import MARK_BYTES, MARKER, OWNER, new_mark
from storage.side_by_side import side_by_side

_DELETED_AT_ONCE: Final = 1000
_DELETED_SIDE_BY_SIDE: Final = 16
_COPIED_BYTES: Final = 256 * 1024**2
"""A larger object is copied in parts: a server says nothing while it copies, and no such one is waited for as long as
gigabytes may take it."""

_PUBLISH: Final = "publish the video"


class _OfThisContent(TypedDict, total=False):
    IfMatch: str


class Bucket(ObjectsInParts):
    """Objects by storage key. Every method raises ``StorageFailed`` when the server refuses or is away."""

    async def head(self, key: str) -> StoredObject | None:
        """What stands under the key, or None.

        A 404 to this question has no body, so a proxy that has lost its server says the same as a server that has no
        such object. Nothing is gone before the bucket has shown itself, and said it a second time.
        """
        found = await self._head(key)
        if found is None:
            await self._ascertain()
            found = await self._head(key)
        return found

    async def etag(self, key: str) -> str | None:
        """Of what stands under the key, by one question: for whoever puts there only if that is still so."""
        found = await self._head(key)
        return found.etag if found is not None else None

    async def mark(self) -> str:
        """What the marker says, below the prefix; the first one stays.

        Raises:
            StorageFailed: It can't be marked, or is not marked as it was before.
        """
        if self._mark is None and await self._head(MARKER) is None:
            await self.put(MARKER, new_mark().encode())
        mark = (await self.read(MARKER, 0, MARK_BYTES)).decode()
        if self._mark not in (None, mark):
            raise StorageFailed(
                f"{self.where} is another place than it was when this process began: {MARKER} in it has changed. Did "
                "AWS_ENDPOINT_URL come to lead elsewhere? Restart all processes once it is right."
            )
        self._mark = mark
        return mark

    async def owner(self) -> str | None:
        """Which database the place belongs to; None for none."""
        if await self.head(OWNER) is None:
            return None
        return (await self.read(OWNER, 0, MARK_BYTES)).decode()

    async def claim(self, database: str, *, replace: bool) -> str:
        """Have it belong to this database, if it belongs to none, or in any case; which one it belongs to then."""
        if replace or await self._head(OWNER) is None:
            await self.put(OWNER, database.encode(), replace=replace)
        return (await self.read(OWNER, 0, MARK_BYTES)).decode()

    async def _ascertain(self) -> None:
        """Raise ``StorageFailed`` unless it is the bucket that answers; where no marker is known, by a list."""
        if self._mark is not None:
            await self.mark()
            return
        async with self._asking("look for a file"):
            found = await self._client.list_objects_v2(Bucket=self._name, Prefix=self._prefix + MARKER, MaxKeys=1)
            has(found, "IsTruncated")

    async def _head(self, key: str) -> StoredObject | None:
        async with self._asking("look for a file"):
            try:
                found = await self._client.head_object(**self._at(key))
            except ClientError as error:
                if code_of(error) in NOT_THERE:
                    return None
                raise
            return StoredObject(found["ContentLength"], found["ETag"].strip('"'), found["LastModified"].astimezone(UTC))

    async def put(self, key: str, content: bytes, *, replace: bool = False) -> bool:
        """Put a small object whole; the server compares its SHA-256.

        Returns:
            False where one stands there already and is not to be replaced.
        """
        digest = base64.b64encode(await asyncio.to_thread(lambda: hashlib.sha256(content).digest())).decode()  # noqa: TID251  bytes of memory
        async with self._asking("write a file", sent_bytes=len(content)):
            try:
                put = await past_conflicts(
                    lambda: self._client.put_object(
                        **self._at(key),
                        Body=content,
                        ChecksumSHA256=digest,
                        ContentType=media_type_of(key),
                        **unless_there(replace=replace),
                    )
                )
                has(put, "ETag")
            except ClientError as error:
                if code_of(error) in THERE_ALREADY:
                    return False
                raise
        return True

    async def read(self, key: str, begin: int, end: int, etag: str | None = None) -> bytes:
        """Bytes from ``begin`` up to ``end``, neither less nor more; of the object with this ``etag``, or it fails."""
        condition: _OfThisContent = {} if etag is None else {"IfMatch": f'"{etag}"'}
        async with self._asking("read a file", sent_bytes=end - begin):
            answer = await self._client.get_object(**self._at(key), Range=f"bytes={begin}-{end - 1}", **condition)
            async with answer["Body"] as body:
                told_bytes = answer.get("ContentLength", end - begin)
                # Who knows no ranges gives all of a film, which is not for this process's memory.
                content: bytes = await body.read() if told_bytes == end - begin else b""
        if len(content) != end - begin:
            given_bytes = len(content) or told_bytes
            raise StorageFailed(
                f"{self.where} was asked for {end - begin} bytes of {key}, and gives {given_bytes}. Does something on "
                "the way change its answers?"
            )
        return content

    async def copy(self, source: str, target: str, size_bytes: int, at_once_bytes: int = _COPIED_BYTES) -> bool:
        """Let the object also stand under ``target``, in place of what stands there; no byte leaves the server.

        Args:
            source: Its key.
            target: The other key.
            size_bytes: Its size.
            at_once_bytes: So much is asked for in one request.

        Returns:
            False where there is no such object any more.
        """
        try:
            if size_bytes > at_once_bytes:
                await self._copy_parts(source, target, size_bytes, at_once_bytes)
            else:
                await self._copy_whole(source, target, size_bytes)
        except StorageFailed as error:
            if is_refused_as(error, NO_SOURCE):
                return False
            raise
        return True

    async def delete(self, key: str) -> None:
        """Remove the object; gone already is a success."""
        async with self._asking("delete a file"):
            await self._client.delete_object(**self._at(key))

    async def delete_all(self, prefix: str) -> None:
        """Remove every object whose key begins so."""
        keys = [key async for key, _ in self.listed(prefix)]
        for first in range(0, len(keys), _DELETED_AT_ONCE):
            some = keys[first : first + _DELETED_AT_ONCE]
            if not await self._delete_together(some):
                await side_by_side([partial(self.delete, key) for key in some], at_once=_DELETED_SIDE_BY_SIDE)

    async def _delete_together(self, keys: Sequence[str]) -> bool:
        """Remove these objects by one request; False where the server has no such one."""
        async with self._asking("delete files"):
            try:
                answer = await self._client.delete_objects(
                    Bucket=self._name,
                    Delete={"Objects": [{"Key": self._prefix + key} for key in keys], "Quiet": True},
                )
            except ClientError as error:
                if code_of(error) in NOT_OFFERED:
                    return False
                raise
        if refused := answer.get("Errors"):  # the answer as a whole is a success all the same
            why = refused[0].get("Message") or refused[0].get("Code") or "it does not say why"
            raise StorageFailed(f"Could not delete {len(refused)} files in {self.where}: {why}")
        return True

    async def listed(self, prefix: str) -> AsyncIterator[tuple[str, StoredObject]]:
        """Every object whose key begins so, with its key, in the order of keys."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=self._prefix + prefix)
        async for found in self._each("list the files", pages, lambda page: page.get("Contents", [])):
            entry = StoredObject(found["Size"], found["ETag"].strip('"'), found["LastModified"].astimezone(UTC))
            yield found["Key"].removeprefix(self._prefix), entry

    # From elsewhere

    async def address_to_read(self, key: str, seconds: int, media_type: str, disposition: str | None = None) -> str:
        """An address under which anybody can read the object for so long, with these headers."""
        headers = {"ResponseContentType": media_type}
        if disposition is not None:
            headers["ResponseContentDisposition"] = disposition
        return await self._client.generate_presigned_url(
            "get_object", Params={**self._at(key), **headers}, ExpiresIn=seconds
        )

    async def _copy_whole(self, source: str, target: str, size_bytes: int) -> None:
        async with self._asking(_PUBLISH, moved_bytes=size_bytes):
            copied = await self._client.copy_object(
                **self._at(target),
                CopySource=self._source(source),
                ContentType=media_type_of(target),
                MetadataDirective="REPLACE",
            )
            has(copied["CopyObjectResult"], "ETag")

    async def _copy_parts(self, source: str, target: str, size_bytes: int, at_once_bytes: int) -> None:
        async def copy_part(begun: PutParts, number: int, begin: int, end: int) -> Part:
            async with self._asking(_PUBLISH, moved_bytes=end - begin):
                copied = await self._client.upload_part_copy(
                    **self._of(begun),
                    PartNumber=number,
                    CopySource=self._source(source),
                    CopySourceRange=f"bytes={begin}-{end - 1}",
                )
                return Part(number, copied["CopyPartResult"]["ETag"], end - begin)

        async def copy_all(begun: PutParts) -> bool:
            begins = enumerate(range(0, size_bytes, at_once_bytes), start=1)
            parts = await side_by_side(
                [partial(copy_part, begun, number, at, min(at + at_once_bytes, size_bytes)) for number, at in begins]
            )
            return await self.finish_parts(begun, parts, replace=True)

        await self.in_parts(target, copy_all)
