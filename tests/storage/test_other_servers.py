"""Servers that speak S3 otherwise than SeaweedFS: they get what they ask for, or are asked otherwise."""

import asyncio
from datetime import UTC, datetime

import pytest

from contracts.errors import StorageFailed
from storage.bucket_client import open_bucket
from storage.bucket_objects import Bucket
from storage.bucket_records import StoredObject
from storage.bucket_transfer import read_piece
from storage.location import BucketLocation
from tests.fixtures.noise import noise
from tests.fixtures.scripted_s3 import Asked, refusal, scripted_bucket, served

LISTED = """<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>work/v1/a.mp4</Key><Size>1</Size>
<ETag>"a"</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents></ListBucketResult>"""


async def test_a_server_that_deletes_many_only_by_their_md5_is_given_it() -> None:
    deleted: list[str] = []

    def answer(asked: Asked) -> tuple[int, str]:
        if asked.line.startswith("GET"):
            return 200, LISTED
        if "content-md5" not in asked.headers:
            return refusal(400, "MissingContentMD5")
        deleted.append(asked.line)
        return 200, "<DeleteResult></DeleteResult>"

    async with scripted_bucket(answer) as bucket:
        await bucket.delete_all("work/v1/")
    assert deleted == ["POST /videos?delete"]


@pytest.mark.parametrize(
    ("status", "code"), [(501, "NotImplemented"), (405, "MethodNotAllowed"), (400, "NotImplemented")]
)
async def test_a_server_that_can_not_delete_many_is_asked_for_one_after_the_other(status: int, code: str) -> None:
    deleted: list[str] = []

    def answer(asked: Asked) -> tuple[int, str]:
        if asked.line.startswith("GET"):
            return 200, LISTED
        if asked.line.startswith("POST"):
            return refusal(status, code)
        deleted.append(asked.line)
        return 204, ""

    async with scripted_bucket(answer) as bucket:
        await bucket.delete_all("work/v1/")
    assert deleted == ["DELETE /videos/work/v1/a.mp4"]


async def test_two_that_put_under_one_key_at_once_are_no_failure() -> None:
    answers = [refusal(409, "ConditionalRequestConflict"), refusal(412, "PreconditionFailed")]
    async with scripted_bucket(lambda _: answers.pop(0)) as bucket:
        assert not await bucket.put("work/v1/a.mp4", b"mine"), "the other one's stands"
    assert answers == []


async def test_two_that_never_end_are_told() -> None:
    asked: list[str] = []

    def answer(one: Asked) -> tuple[int, str]:
        asked.append(one.line)
        return refusal(409, "ConditionalRequestConflict")

    async with scripted_bucket(answer) as bucket:
        with pytest.raises(StorageFailed, match="another writes the same file at this moment"):
            await bucket.put("work/v1/a.mp4", b"mine")
    assert 2 < len(asked) < 10


async def test_a_server_that_gives_a_byte_now_and_then_is_given_up() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 206 Partial Content\r\nContent-Length: 65536\r\nETag: "a"\r\n\r\n')
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.1)

    location = BucketLocation("videos", "")
    async with served(drip) as environment, open_bucket(location, environment, 1, read_seconds=0.5) as bucket:
        async with asyncio.timeout(20):
            with pytest.raises(StorageFailed, match="does not answer, or stopped in the middle"):
                await bucket.read("work/v1/a.mp4", 0, 64 * 1024)


async def test_a_piece_of_a_server_that_says_nothing_is_asked_for_a_few_times_in_all() -> None:
    asked = 0

    async def nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while await reader.readuntil(b"\r\n\r\n"):
            asked += 1

    location, found = BucketLocation("videos", ""), StoredObject(1024, "a", datetime.now(UTC))
    async with served(nothing) as environment, open_bucket(location, environment, 2, read_seconds=0.2) as bucket:
        with pytest.raises(StorageFailed, match="does not answer"):
            await read_piece(bucket, "work/v1/a.mp4", found, 0, 1024)
    assert asked in (1, 2), "the client tries it twice, and nobody on top of it"


async def test_a_large_file_is_published_by_copies_of_its_parts(bucket: Bucket) -> None:
    content = noise(256 * 48 * 1024)
    parts = await bucket.begin_parts("work/v1/a.mp4")
    await bucket.finish_parts(parts, [await bucket.put_part(parts, 1, content)])
    assert await bucket.copy("work/v1/a.mp4", "processed/v1/a.mp4", len(content), at_once_bytes=5 * 1024 * 1024)
    assert await bucket.read("processed/v1/a.mp4", 0, len(content)) == content
    assert not await bucket.copy("work/v1/b.mp4", "processed/v1/b.mp4", len(content), at_once_bytes=5 * 1024 * 1024)
    assert await bucket.unfinished("processed/v1/b.mp4") == []


async def test_a_copy_that_a_proxy_without_its_server_answers_with_404_is_no_source_that_is_gone() -> None:
    answers = [(404, "default backend - 404"), refusal(404, "NoSuchKey")]
    async with scripted_bucket(lambda _: answers.pop(0)) as bucket:
        with pytest.raises(StorageFailed, match="what answers there is no S3"):
            await bucket.copy("work/v1/a.mp4", "processed/v1/a.mp4", 1)
        assert not await bucket.copy("work/v1/a.mp4", "processed/v1/a.mp4", 1)
