"""Servers that speak S3 otherwise than SeaweedFS: they get what they ask for, or are asked otherwise."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.errors import StorageFailed
from storage.bucket_client import open_bucket
from storage.bucket_objects import Bucket
from storage.bucket_records import Part, PutParts, StoredObject
from storage.bucket_transfer import read_piece, upload
from storage.location import BucketLocation
from tests.fixtures.noise import noise
from tests.fixtures.scripted_s3 import Asked, refusal, scripted_bucket, served

BEGUN = PutParts("work/v1/a.mp4", "begun")
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


ASKED: dict[str, Callable[[Bucket], Coroutine[object, object, object]]] = {
    "head": lambda bucket: bucket.head("work/v1/a.mp4"),
    "put": lambda bucket: bucket.put("work/v1/a.mp4", b"film"),
    "begin": lambda bucket: bucket.begin_parts("work/v1/a.mp4"),
    "part": lambda bucket: bucket.put_part(BEGUN, 1, b"film"),
    "finish": lambda bucket: bucket.finish_parts(BEGUN, [Part(1, '"a"', 4)]),
    "drop": lambda bucket: bucket.drop_parts(BEGUN),
    "parts": lambda bucket: bucket.parts(BEGUN),
    "unfinished": lambda bucket: bucket.unfinished("work/v1/a.mp4"),
    "copy": lambda bucket: bucket.copy("work/v1/a.mp4", "processed/v1/a.mp4", 4),
    "copy in parts": lambda bucket: bucket.copy("work/v1/a.mp4", "processed/v1/a.mp4", 4, at_once_bytes=1),
    "delete": lambda bucket: bucket.delete("work/v1/a.mp4"),
    "list": lambda bucket: bucket.delete_all("work/v1/"),
}


@pytest.mark.parametrize("page", ["<html>We are back<br>soon", "<html>We are back soon</html>", ""])
async def test_a_page_of_somebody_else_that_comes_as_a_success_is_no_answer_of_a_bucket(page: str) -> None:
    told = dict.fromkeys(ASKED.keys() - {"drop", "delete"}, StorageFailed)
    async with scripted_bucket(lambda _: (200, page), tries=1, fields="") as bucket:
        came = await asyncio.gather(*(ASKED[asked](bucket) for asked in told), return_exceptions=True)
    assert {asked: type(one) for asked, one in zip(told, came, strict=True)} == told


@pytest.mark.parametrize("given", ["fil", "film of somebody else"])
async def test_bytes_that_are_fewer_or_more_than_were_asked_for_are_not_taken(given: str) -> None:
    async with scripted_bucket(lambda _: (200, given)) as bucket:
        with pytest.raises(StorageFailed, match=f"was asked for 4 bytes of work/v1/a.mp4, and gives {len(given)}"):
            await bucket.read("work/v1/a.mp4", 0, 4)


async def test_a_server_that_gives_a_byte_of_its_answer_now_and_then_is_given_up_whatever_was_asked() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            for byte in b"HTTP/1.1 200 So it is, and with every byte of it the wait for the next one begins anew":
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.1)

    location = BucketLocation("videos", "")
    async with served(drip) as environment, open_bucket(location, environment, 1, read_seconds=0.3) as bucket:
        asked = (asyncio.wait_for(ask(bucket), 20) for ask in ASKED.values())
        came = await asyncio.gather(*asked, return_exceptions=True)
    assert {what: type(one) for what, one in zip(ASKED, came, strict=True)} == dict.fromkeys(ASKED, StorageFailed)


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


async def test_why_a_file_could_not_be_put_is_told_also_where_its_parts_can_not_be_removed(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(noise(256 * 80 * 1024))  # two parts

    def answer(asked: Asked) -> tuple[int, str]:
        if asked.line.startswith("POST"):
            return 200, "<InitiateMultipartUploadResult><UploadId>begun</UploadId></InitiateMultipartUploadResult>"
        return refusal(403, "AccessDenied") if asked.line.startswith("DELETE") else refusal(507, "InsufficientStorage")

    async with scripted_bucket(answer, tries=1) as bucket:
        with pytest.raises(StorageFailed, match="it is full"):
            await upload(bucket, "work/v1/a.mp4", path, path.stat().st_size)
