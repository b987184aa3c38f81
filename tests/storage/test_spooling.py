"""Any number of uploads into a bucket that is slow share one bound of memory, and arrive all the same."""

import asyncio
import hashlib
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

import pytest

from contracts.errors import StorageFailed
from storage.bucket import BucketStorage
from storage.bucket_objects import Bucket
from storage.bucket_records import Part, PutParts
from storage.hashing import sha256_of
from storage.local_copies import LocalCopies
from storage.spooling import Spooling
from tests.fixtures.noise import noise
from tests.fixtures.small_disk import NoMounts, mounted
from tests.waiting import eventually

MEBIBYTE = 1024 * 1024
CONTENT = noise(256 * 40 * 1024)  # 10 MiB: a part of a multipart upload, and a fourth of one
UPLOADS = 12
MOST_BYTES = 3 * 8 * MEBIBYTE

Result = TypeVar("Result")


async def test_uploads_at_once_hold_so_much_of_a_slow_bucket_in_memory_and_no_more(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_their_way, most, goes_on = 0, 0, asyncio.Event()
    put_part = bucket.put_part

    async def slowly(begun: PutParts, number: int, content: bytes) -> Part:
        nonlocal on_their_way, most
        on_their_way += len(content)
        most = max(most, on_their_way)
        await goes_on.wait()
        part = await put_part(begun, number, content)
        on_their_way -= len(content)
        return part

    monkeypatch.setattr(bucket, "put_part", slowly)
    copies = LocalCopies(tmp_path, MEBIBYTE)
    storage = BucketStorage(bucket, copies, spooling=Spooling(copies, MOST_BYTES))

    async def upload(key: str) -> None:
        writer = await storage.create_original(key)
        for begin in range(0, len(CONTENT), MEBIBYTE):
            await writer.write(CONTENT[begin : begin + MEBIBYTE])
        await writer.keep()
        await writer.commit()

    async def moves() -> int:
        return on_their_way

    keys = [f"originals/{number}.mp4" for number in range(UPLOADS)]
    uploading = [asyncio.create_task(upload(key)) for key in keys]
    assert await eventually(moves, MOST_BYTES.__eq__) == MOST_BYTES
    goes_on.set()
    await asyncio.gather(*uploading)
    assert most == MOST_BYTES
    for key in keys:
        assert await sha256_of(storage, key) == hashlib.sha256(CONTENT).hexdigest()
    await copies.close()


async def test_uploads_that_are_kept_and_gone_on_with_at_once_have_their_ends_in_memory_within_the_same_bound(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As all senders do after an outage. Each end is there twice: as it comes or goes, and as a part of the whole."""
    on_their_way, most, goes_on = 0, 0, asyncio.Event()
    put, read = bucket.put, bucket.read

    async def slowly(size_bytes: int, work: Coroutine[object, object, Result]) -> Result:
        nonlocal on_their_way, most
        on_their_way += size_bytes
        most = max(most, on_their_way)
        await goes_on.wait()
        try:
            return await work
        finally:
            on_their_way -= size_bytes

    async def moves() -> int:
        return on_their_way

    monkeypatch.setattr(
        bucket, "put", lambda key, content, *, replace=False: slowly(MEBIBYTE, put(key, content, replace=replace))
    )
    monkeypatch.setattr(bucket, "read", lambda key, begin, end, etag: slowly(MEBIBYTE, read(key, begin, end, etag)))
    copies = LocalCopies(tmp_path, MEBIBYTE)
    storage = BucketStorage(bucket, copies, spooling=Spooling(copies, MOST_BYTES))

    async def keep(key: str) -> None:
        writer = await storage.create_original(key)
        await writer.write(CONTENT[:MEBIBYTE])
        await writer.keep()
        await writer.close()

    async def go_on(key: str) -> None:
        writer = await storage.continue_original(key, MEBIBYTE)
        await writer.close()

    for do in (keep, go_on):
        goes_on.clear()
        doing = [asyncio.create_task(do(f"originals/{number}.mp4")) for number in range(MOST_BYTES // MEBIBYTE)]
        await eventually(moves, (MOST_BYTES // 2 - MEBIBYTE).__le__)
        goes_on.set()
        await asyncio.gather(*doing)
    assert most <= MOST_BYTES // 2
    await copies.close()


async def test_an_upload_that_finds_no_room_on_the_machine_is_told_so_and_ends(bucket: Bucket, tmp_path: Path) -> None:
    try:
        with mounted(tmp_path / "disk", mebibytes=4) as disk:
            copies = LocalCopies(disk.folder, MEBIBYTE)
            writer = await BucketStorage(bucket, copies).create_original("originals/1.mp4")
            with pytest.raises(StorageFailed, match="the disk is full"):
                await writer.write(*[bytes(1000)] * 6000)
            await writer.discard()
            assert disk.files() == ["lock"]
            await copies.close()
    except NoMounts as error:
        pytest.skip(f"no disk of its own here: {error}")
