"""Objects of a bucket that are put in parts: begun, each part, and made whole or dropped."""

import asyncio
import base64
import contextlib
import hashlib
import mimetypes
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypedDict, TypeVar

from botocore.exceptions import ClientError

from contracts.errors import StorageFailed
from storage.bucket_errors import (
    CONFLICT,
    NO_UPLOAD,
    THERE_ALREADY,
    code_of,
    has,
    is_refused_as,
    told_as_storage_failed,
)
from storage.bucket_records import Part, PutParts
from storage.location import BucketLocation

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef, CopySourceTypeDef

MOST_PARTS: Final = 10_000

_SLOWEST_BYTES_A_SECOND: Final = 64 * 1024
"""A server that takes less is as good as none."""
_SLOWEST_MOVED_BYTES_A_SECOND: Final = 8 * 1024**2
_GIVE_UP_SECONDS: Final = 10.0
_LOOK: Final = "look for unfinished files"
_FIRST_PAUSE_SECONDS: Final = 0.25
_CONFLICT_PAUSES_SECONDS: Final = (0.1, 0.3, 1.0)
_BEGINNINGS: Final = 10
_NONE_WANTED: Final[Mapping[int, str]] = MappingProxyType({})

Answer = TypeVar("Answer")
Entry = TypeVar("Entry")
Page = TypeVar("Page", bound=Mapping[str, object])


class _Object(TypedDict):
    Bucket: str
    Key: str


class _Unfinished(_Object):
    UploadId: str


class _UnlessThere(TypedDict, total=False):
    IfNoneMatch: str


class ObjectsInParts:
    """Objects by storage key. Every method raises ``StorageFailed`` when the server refuses or is away.

    Args:
        client: S3.
        location: The bucket and the prefix.
        tries: How often a piece of a file is asked for before that counts as a failure.
        read_seconds: How long the server may say nothing.

    Attributes:
        where: The place, as a setting names it.
    """

    def __init__(self, client: "S3Client", location: BucketLocation, tries: int, read_seconds: float) -> None:
        self._client = client
        self._name = location.bucket
        self._prefix = location.prefix
        self.where = str(location)
        self._tries = tries
        self._try_seconds = 2 * read_seconds  # the client itself has asked as often by then
        self._read_seconds = read_seconds
        self._mark: str | None = None

    async def in_parts(self, key: str, put: Callable[[PutParts], Awaitable[bool]]) -> bool:
        """Put an object in parts, in place of what killed processes began of it; nothing is left of one that fails.

        One that was held up beyond its turn takes for such what its successor puts. So whoever loses its parts begins
        once more, and takes nobody's then: each takes what others began once, and all of them come to an end.

        Args:
            key: Under which it will stand.
            put: Puts the parts and has them finished; called again where they were taken away meanwhile.

        Returns:
            What ``put`` does.
        """
        for begun in await self.tried(lambda: self.unfinished(key)):
            await self.tried(partial(self.drop_parts, begun))
        for _ in range(_BEGINNINGS - 1):
            try:
                return await self._in_new_parts(key, put)
            except StorageFailed as error:
                if not is_refused_as(error, NO_UPLOAD):
                    raise
        return await self._in_new_parts(key, put)

    async def _in_new_parts(self, key: str, put: Callable[[PutParts], Awaitable[bool]]) -> bool:
        begun = await self.tried(lambda: self.begin_parts(key))
        try:
            return await put(begun)
        except BaseException:
            await self.give_up(begun)
            raise

    async def tried(self, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """A few times: a server that is just being started again is no reason to begin a large file anew.

        One that says nothing is: it was waited for each time that the client asked, minutes in all.
        """
        pause, until = _FIRST_PAUSE_SECONDS, time.monotonic() + self._try_seconds
        for _ in range(self._tries - 1):
            try:
                return await work()
            except StorageFailed as error:
                if time.monotonic() + pause > until or is_refused_as(error, NO_UPLOAD):
                    raise
                await asyncio.sleep(pause)
                pause *= 2
        return await work()

    async def begin_parts(self, key: str) -> PutParts:
        """Begin to put an object in parts."""
        async with self._asking("write a file"):
            begun = await self._client.create_multipart_upload(**self._at(key), ContentType=media_type_of(key))
            return PutParts(key, begun["UploadId"])

    async def put_part(self, begun: PutParts, number: int, content: bytes) -> Part:
        """Put a part, in place of an earlier one of the same number; the server compares its MD5."""
        digest = await asyncio.to_thread(lambda: hashlib.md5(content, usedforsecurity=False).digest())  # noqa: TID251  bytes of memory
        async with self._asking("write a file", sent_bytes=len(content)):
            put = await self._client.upload_part(
                **self._of(begun), PartNumber=number, Body=content, ContentMD5=base64.b64encode(digest).decode()
            )
            return Part(number, put["ETag"], len(content), is_md5=put["ETag"].strip('"') == digest.hex())

    async def finish_parts(self, begun: PutParts, parts: Sequence[Part], *, replace: bool = False) -> bool:
        """Let the object stand, made of these parts.

        Returns:
            False where one stands there already and is not to be replaced; the parts are given up then.
        """
        made_of: list[CompletedPartTypeDef] = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        async with self._asking("write a file", moved_bytes=sum(part.size_bytes for part in parts)):
            try:
                finished = await past_conflicts(
                    lambda: self._client.complete_multipart_upload(
                        **self._of(begun),
                        MultipartUpload={"Parts": made_of},
                        **unless_there(replace=replace),
                    )
                )
                has(finished, "ETag")
            except ClientError as error:
                if code_of(error) not in THERE_ALREADY:
                    raise
                await self.give_up(begun)
                return False
        return True

    async def drop_parts(self, begun: PutParts) -> None:
        """Remove the parts of an object that will not be finished; gone already is a success."""
        async with self._asking("remove an unfinished file"):
            try:
                await self._client.abort_multipart_upload(**self._of(begun))
            except ClientError as error:
                if code_of(error) != NO_UPLOAD:
                    raise

    async def give_up(self, begun: PutParts) -> None:
        """Remove its parts if that is soon done, for whoever has failed already: nothing takes the place of why."""
        with contextlib.suppress(StorageFailed, TimeoutError):
            async with asyncio.timeout(_GIVE_UP_SECONDS):
                await self.drop_parts(begun)

    async def unfinished(self, key: str) -> list[PutParts]:
        """What was begun to be put under this very key and not finished, the newest last."""
        return [begun for begun, _ in await self.all_unfinished(key) if begun.key == key]

    async def all_unfinished(self, prefix: str) -> list[tuple[PutParts, datetime]]:
        """What was begun to be put under a key that begins so and not finished, and when; the newest last."""
        pages = self._client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self._name, Prefix=self._prefix + prefix
        )
        found = [
            (PutParts(one["Key"].removeprefix(self._prefix), one["UploadId"]), one["Initiated"].astimezone(UTC))
            async for one in self._each(_LOOK, pages, lambda page: page.get("Uploads", []))
        ]
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

    async def put_so_far(self, begun: PutParts) -> tuple[int, datetime | None]:
        """Bytes of all parts of it, those that were put again as often as they are kept, and when the last one came."""
        found = [(part.size_bytes, modified) async for part, modified in self._listed_parts(begun)]
        return sum(size_bytes for size_bytes, _ in found), max((modified for _, modified in found), default=None)

    async def _listed_parts(self, begun: PutParts) -> AsyncIterator[tuple[Part, datetime]]:
        pages = self._client.get_paginator("list_parts").paginate(**self._of(begun))
        async for listed in self._each(_LOOK, pages, lambda page: page.get("Parts", [])):
            part = Part(listed["PartNumber"], listed["ETag"], listed["Size"])
            yield part, listed["LastModified"].astimezone(UTC)

    async def address_to_put_part(self, begun: PutParts, number: int, size_bytes: int, seconds: int) -> str:
        """An address to which anybody can put this part for so long, of this size and no other: that is signed too."""
        return await self._client.generate_presigned_url(
            "upload_part",
            Params={**self._of(begun), "PartNumber": number, "ContentLength": size_bytes},
            ExpiresIn=seconds,
        )

    def _at(self, key: str) -> _Object:
        return {"Bucket": self._name, "Key": self._prefix + key}

    def _source(self, key: str) -> "CopySourceTypeDef":
        return {"Bucket": self._name, "Key": self._prefix + key}

    @asynccontextmanager
    async def _asking(self, doing: str, *, sent_bytes: int = 0, moved_bytes: int = 0) -> AsyncIterator[None]:
        """Ask the server, within a time. Raises ``StorageFailed`` with what was done.

        One that takes no more of what is sent to it, or gives a byte now and then, runs into no other limit.

        Args:
            doing: What is tried, as in "write a file".
            sent_bytes: So much is sent to it, or comes from it.
            moved_bytes: So much it moves by itself before it answers.
        """
        seconds = self._tries * self._read_seconds
        seconds += sent_bytes / _SLOWEST_BYTES_A_SECOND + moved_bytes / _SLOWEST_MOVED_BYTES_A_SECOND
        with told_as_storage_failed(doing, self.where):
            async with asyncio.timeout(seconds):
                yield

    async def _each(
        self, doing: str, pages: AsyncIterable[Page], entries: Callable[[Page], Iterable[Entry]]
    ) -> AsyncIterator[Entry]:
        """The entries of a list, page by page: each is an S3's, and comes within a time."""
        coming = aiter(pages)
        while True:
            async with self._asking(doing):
                page = await anext(coming, None)
                if page is None:
                    return
                has(page, "IsTruncated")  # or an empty page would be an empty list
            for entry in entries(page):
                yield entry

    def _of(self, begun: PutParts) -> _Unfinished:
        return {**self._at(begun.key), "UploadId": begun.upload_id}


def unless_there(*, replace: bool) -> _UnlessThere:
    """The condition under which an object is put."""
    return {} if replace else {"IfNoneMatch": "*"}


async def past_conflicts(put: Callable[[], Awaitable[Answer]]) -> Answer:
    """Put an object, again where another one puts it at this very moment: after that one, S3 says whether it stands."""
    for pause in _CONFLICT_PAUSES_SECONDS:
        try:
            return await put()
        except ClientError as error:
            if code_of(error) != CONFLICT:
                raise
            await asyncio.sleep(pause)
    return await put()


def media_type_of(key: str) -> str:
    """As what an object is served, by its name."""
    return mimetypes.guess_type(key)[0] or "application/octet-stream"
