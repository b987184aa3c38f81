"""The objects of one bucket, below one prefix: what S3's API offers, in our words.

Written for every server that speaks S3. So a part is checked by its MD5, which all of them do, and a whole object by
its SHA-256; an object that must not be replaced is put with ``If-None-Match``.
"""

import asyncio
import base64
import hashlib
import mimetypes
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypedDict

from botocore.exceptions import ClientError

from contracts.errors import StorageFailed
from storage.bucket_errors import NOT_THERE, THERE_ALREADY, code_of, told_as_storage_failed
from storage.bucket_records import Part, PutParts, StoredObject
from storage.location import BucketLocation

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef, CopySourceTypeDef

_DELETED_AT_ONCE: Final = 1000
MOST_PARTS: Final = 10_000
MOST_COPIED_BYTES: Final = 5 * 1024**3
"""A larger object is copied in parts."""
_COPIED_PART_BYTES: Final = 1024**3
_SLOWEST_BYTES_A_SECOND: Final = 64 * 1024
"""A server that takes less is as good as none."""


_NONE_WANTED: Final[Mapping[int, str]] = MappingProxyType({})


class _Object(TypedDict):
    Bucket: str
    Key: str


class _Unfinished(_Object):
    UploadId: str


class _UnlessThere(TypedDict, total=False):
    IfNoneMatch: str


class _OfThisContent(TypedDict, total=False):
    IfMatch: str


class Bucket:
    """Objects by storage key. Every method raises ``StorageFailed`` when the server refuses or is away.

    Args:
        client: S3.
        location: The bucket and the prefix.
        tries: How often a piece of a file is asked for before that counts as a failure.

    Attributes:
        where: The place, as a setting names it.
        tries: As given.
    """

    def __init__(self, client: "S3Client", location: BucketLocation, tries: int, read_seconds: float) -> None:
        self._client = client
        self._name = location.bucket
        self._prefix = location.prefix
        self.where = str(location)
        self.tries = tries
        self._read_seconds = read_seconds

    async def head(self, key: str) -> StoredObject | None:
        """What stands under the key, or None."""
        with told_as_storage_failed("look for a file", self.where):
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
        digest = base64.b64encode(await asyncio.to_thread(lambda: hashlib.sha256(content).digest())).decode()
        with told_as_storage_failed("write a file", self.where):
            try:
                async with self._in_time_for(len(content)):
                    await self._client.put_object(
                        **self._at(key),
                        Body=content,
                        ChecksumSHA256=digest,
                        ContentType=_media_type(key),
                        **_unless_there(replace=replace),
                    )
            except ClientError as error:
                if code_of(error) in THERE_ALREADY:
                    return False
                raise
        return True

    async def read(self, key: str, begin: int, end: int, etag: str | None = None) -> bytes:
        """Bytes from ``begin`` up to ``end``; of the object with this ``etag``, or ``StorageFailed``."""
        condition: _OfThisContent = {} if etag is None else {"IfMatch": f'"{etag}"'}
        with told_as_storage_failed("read a file", self.where):
            answer = await self._client.get_object(**self._at(key), Range=f"bytes={begin}-{end - 1}", **condition)
            async with answer["Body"] as body:
                content: bytes = await body.read()
        return content

    async def copy(self, source: str, target: str, size_bytes: int) -> bool:
        """Let the object also stand under ``target``, in place of what stands there; no byte leaves the server.

        Returns:
            False where there is no such object any more.
        """
        with told_as_storage_failed("publish the video", self.where):
            try:
                if size_bytes > MOST_COPIED_BYTES:
                    await self._copy_parts(source, target, size_bytes)
                else:
                    await self._client.copy_object(
                        **self._at(target),
                        CopySource=self._source(source),
                        ContentType=_media_type(target),
                        MetadataDirective="REPLACE",
                    )
            except ClientError as error:
                if code_of(error) in NOT_THERE:
                    return False
                raise
        return True

    async def delete(self, key: str) -> None:
        """Remove the object; gone already is a success."""
        with told_as_storage_failed("delete a file", self.where):
            await self._client.delete_object(**self._at(key))

    async def delete_all(self, prefix: str) -> None:
        """Remove every object whose key begins so."""
        keys = [key async for key, _ in self.listed(prefix)]
        with told_as_storage_failed("delete files", self.where):
            for first in range(0, len(keys), _DELETED_AT_ONCE):
                some = keys[first : first + _DELETED_AT_ONCE]
                answer = await self._client.delete_objects(
                    Bucket=self._name,
                    Delete={"Objects": [{"Key": self._prefix + key} for key in some], "Quiet": True},
                )
                if refused := answer.get("Errors"):  # the answer as a whole is a success all the same
                    why = refused[0].get("Message") or refused[0].get("Code") or "it does not say why"
                    raise StorageFailed(f"Could not delete {len(refused)} files in {self.where}: {why}")

    async def listed(self, prefix: str) -> AsyncIterator[tuple[str, StoredObject]]:
        """Every object whose key begins so, with its key, in the order of keys."""
        with told_as_storage_failed("list the files", self.where):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._name, Prefix=self._prefix + prefix
            )
            async for page in pages:
                for found in page.get("Contents", []):
                    entry = StoredObject(found["Size"], found["ETag"].strip('"'), found["LastModified"].astimezone(UTC))
                    yield found["Key"].removeprefix(self._prefix), entry

    # In parts

    async def begin_parts(self, key: str) -> PutParts:
        """Begin to put an object in parts."""
        with told_as_storage_failed("write a file", self.where):
            begun = await self._client.create_multipart_upload(**self._at(key), ContentType=_media_type(key))
        return PutParts(key, begun["UploadId"])

    async def put_part(self, begun: PutParts, number: int, content: bytes) -> Part:
        """Put a part, in place of an earlier one of the same number; the server compares its MD5."""
        digest = await asyncio.to_thread(lambda: hashlib.md5(content, usedforsecurity=False).digest())
        with told_as_storage_failed("write a file", self.where):
            async with self._in_time_for(len(content)):
                put = await self._client.upload_part(
                    **self._of(begun), PartNumber=number, Body=content, ContentMD5=base64.b64encode(digest).decode()
                )
        return Part(number, put["ETag"], len(content), is_md5=put["ETag"].strip('"') == digest.hex())

    async def finish_parts(self, begun: PutParts, parts: Sequence[Part], *, replace: bool = False) -> bool:
        """Let the object stand, made of these parts.

        Returns:
            False where one stands there already and is not to be replaced; the parts are gone then.
        """
        made_of: list[CompletedPartTypeDef] = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        with told_as_storage_failed("write a file", self.where):
            try:
                await self._client.complete_multipart_upload(
                    **self._of(begun),
                    MultipartUpload={"Parts": made_of},
                    **_unless_there(replace=replace),
                )
            except ClientError as error:
                if code_of(error) not in THERE_ALREADY:
                    raise
                await self.drop_parts(begun)
                return False
        return True

    async def drop_parts(self, begun: PutParts) -> None:
        """Remove the parts of an object that will not be finished; gone already is a success."""
        with told_as_storage_failed("remove an unfinished file", self.where):
            try:
                await self._client.abort_multipart_upload(**self._of(begun))
            except ClientError as error:
                if code_of(error) != "NoSuchUpload":
                    raise

    async def unfinished(self, key: str) -> list[PutParts]:
        """What was begun to be put under this very key and not finished, the newest last."""
        return [begun for begun, _ in await self.all_unfinished(key) if begun.key == key]

    async def all_unfinished(self, prefix: str) -> list[tuple[PutParts, datetime]]:
        """What was begun to be put under a key that begins so and not finished, and when; the newest last."""
        found = []
        with told_as_storage_failed("look for unfinished files", self.where):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._name, Prefix=self._prefix + prefix
            )
            async for page in pages:
                for one in page.get("Uploads", []):
                    begun = PutParts(one["Key"].removeprefix(self._prefix), one["UploadId"])
                    found.append((begun, one["Initiated"].astimezone(UTC)))
        return sorted(found, key=lambda one: one[1])

    async def parts(self, begun: PutParts, wanted: Mapping[int, str] = _NONE_WANTED) -> Sequence[Part]:
        """The parts that are there, by number.

        SeaweedFS lists a part that was put again twice, against S3's documentation: the newest counts.

        Args:
            begun: Of which object.
            wanted: By number, the ETag of the part that counts where there are several.
        """
        found: dict[int, tuple[tuple[bool, datetime], Part]] = {}
        async for part, modified in self._listed_parts(begun):
            rank = (wanted.get(part.number) == part.etag.strip('"'), modified)
            if part.number not in found or rank >= found[part.number][0]:
                found[part.number] = (rank, part)
        return [found[number][1] for number in sorted(found)]

    async def held_bytes(self, begun: PutParts) -> int:
        """What all parts of it take, those that were put again as often as they are kept."""
        return sum([part.size_bytes async for part, _ in self._listed_parts(begun)])

    async def _listed_parts(self, begun: PutParts) -> AsyncIterator[tuple[Part, datetime]]:
        with told_as_storage_failed("look for unfinished files", self.where):
            async for page in self._client.get_paginator("list_parts").paginate(**self._of(begun)):
                for listed in page.get("Parts", []):
                    yield Part(listed["PartNumber"], listed["ETag"], listed["Size"]), listed["LastModified"]

    # From elsewhere

    async def address_to_read(self, key: str, seconds: int, media_type: str, disposition: str | None = None) -> str:
        """An address under which anybody can read the object for so long, with these headers."""
        headers = {"ResponseContentType": media_type}
        if disposition is not None:
            headers["ResponseContentDisposition"] = disposition
        return await self._client.generate_presigned_url(
            "get_object", Params={**self._at(key), **headers}, ExpiresIn=seconds
        )

    async def address_to_put_part(self, begun: PutParts, number: int, size_bytes: int, seconds: int) -> str:
        """An address to which anybody can put this part for so long, of this size and no other: that is signed too."""
        return await self._client.generate_presigned_url(
            "upload_part",
            Params={**self._of(begun), "PartNumber": number, "ContentLength": size_bytes},
            ExpiresIn=seconds,
        )

    async def _copy_parts(self, source: str, target: str, size_bytes: int) -> None:
        begun = await self.begin_parts(target)
        begins = range(0, size_bytes, _COPIED_PART_BYTES)
        ranges = [(at, min(at + _COPIED_PART_BYTES, size_bytes)) for at in begins]
        parts: list[Part] = []
        try:
            for number, (begin, end) in enumerate(ranges, start=1):
                copied = await self._client.upload_part_copy(
                    **self._of(begun),
                    PartNumber=number,
                    CopySource=self._source(source),
                    CopySourceRange=f"bytes={begin}-{end - 1}",
                )
                parts.append(Part(number, copied["CopyPartResult"]["ETag"], end - begin))
        except BaseException:
            await self.drop_parts(begun)
            raise
        await self.finish_parts(begun, parts, replace=True)

    def _at(self, key: str) -> _Object:
        return {"Bucket": self._name, "Key": self._prefix + key}

    def _source(self, key: str) -> "CopySourceTypeDef":
        return {"Bucket": self._name, "Key": self._prefix + key}

    def _in_time_for(self, size_bytes: int) -> asyncio.Timeout:
        """A server that takes no more of what is sent to it runs into no other limit."""
        return asyncio.timeout(self.tries * (self._read_seconds + size_bytes / _SLOWEST_BYTES_A_SECOND))

    def _of(self, begun: PutParts) -> _Unfinished:
        return {**self._at(begun.key), "UploadId": begun.upload_id}


def _unless_there(*, replace: bool) -> _UnlessThere:
    return {} if replace else {"IfNoneMatch": "*"}


def _media_type(key: str) -> str:
    return mimetypes.guess_type(key)[0] or "application/octet-stream"
