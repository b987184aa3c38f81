"""An upload takes of a bucket what it said, twice at most, however often its parts are put."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from contracts.status import VideoStatus
from contracts.storage_keys import original_key
from database.engine import Database
from runs.hanging import Hanging
from runs.one_by_one import OneByOne
from runs.overfull import OverfullUploads
from storage.bucket import BucketStorage
from storage.bucket_original import PART_BYTES
from storage.disk import DiskStorage
from tests.database.samples import new_video

SIZE = 300_000


async def end_overfull(database: Database, storage: BucketStorage | DiskStorage) -> int:
    overfull = OverfullUploads(database.videos, database.backlog, storage, slack_bytes=0)
    return await overfull.end(OneByOne(database.ping, Hanging()))


async def declared(database: Database) -> UUID:
    """The row of an upload that said its size."""
    said = replace(new_video("ann"), upload_length=SIZE)
    return (await database.videos.create_uploading(said)).id


async def put(url: str, times: int) -> int:
    """Put the part so often; the status of the last answer."""
    async with httpx.AsyncClient() as anybody:
        return [(await anybody.put(url, content=bytes(SIZE))).status_code for _ in range(times)][-1]


async def test_an_upload_whose_parts_are_put_again_and_again_is_ended_and_an_honest_one_is_not(
    database: Database, bucket_storage: BucketStorage
) -> None:
    honest, greedy = [await declared(database) for _ in range(2)]
    keys = [original_key(str(video_id), ".mp4") for video_id in (honest, greedy)]
    urls = [(await bucket_storage.direct().sign_parts(key, SIZE, 3600))[1][0].url for key in keys]
    for url, times in zip(urls, (2, 3), strict=True):
        assert await put(url, times) == httpx.codes.OK
    assert await bucket_storage.direct().held_bytes(keys[1]) == 3 * SIZE, "a server that keeps what was put again"
    assert await end_overfull(database, bucket_storage) == 1
    rows = [await database.videos.get(video_id) for video_id in (honest, greedy)]
    assert [(row.status, row.error_code) for row in rows if row is not None] == [
        (VideoStatus.UPLOADING, None),
        (VideoStatus.ERROR, "upload_interrupted"),
    ]
    assert await bucket_storage.direct().held_bytes(keys[1]) == 0
    assert await put(urls[1], 1) == httpx.codes.NOT_FOUND, "its addresses take nothing any more"


async def a_minute_passes(database: Database) -> None:
    """All rows are a minute older."""
    older = "next_look_at = next_look_at - interval '1 minute', created_at = created_at - interval '1 minute'"
    async with database.transaction() as session:
        await session.execute(text(f"UPDATE videos SET {older}"))  # noqa: S608  no value of anybody's


async def test_an_upload_is_looked_at_once_a_minute(database: Database, bucket_storage: BucketStorage) -> None:
    video_id = await declared(database)
    key = original_key(str(video_id), ".mp4")
    await end_overfull(database, bucket_storage)
    _, parts = await bucket_storage.direct().sign_parts(key, SIZE, 3600)
    await put(parts[0].url, 3)
    assert await end_overfull(database, bucket_storage) == 0
    await a_minute_passes(database)
    assert await end_overfull(database, bucket_storage) == 1


async def test_an_upload_is_measured_beside_more_that_go_on_than_one_pass_looks_at(database: Database) -> None:
    patient, leases = await declared(database), {}
    for _ in range(4):
        video_id, lease = await declared(database), uuid4()
        assert await database.upload_leases.take(video_id, lease, 60) is not None
        leases[video_id] = lease
    measured: list[UUID] = []
    for _ in range(3):
        for video in await database.backlog.declared_uploads(limit=2):
            measured.append(video.id)
            await database.backlog.measured(video.id, timedelta(minutes=1))
        await a_minute_passes(database)
        await declared(database)  # one more that has only begun
        for video_id, lease in leases.items():
            assert await database.upload_leases.renew(video_id, lease, 60, offset=None, expires_seconds=60)
    assert patient in measured
    assert set(measured) >= leases.keys()


async def test_bytes_of_requests_that_did_not_count_count_here(bucket_storage: BucketStorage) -> None:
    key = original_key(str(uuid4()), ".mp4")
    writer = await bucket_storage.create_original(key)
    await writer.write(b"x")
    await writer.keep()
    await writer.close()
    for _ in range(3):
        writer = await bucket_storage.continue_original(key, 1)
        await writer.write(bytes(2 * PART_BYTES))  # the second part waits until the first is there
        await writer.close()
    assert await bucket_storage.direct().held_bytes(key) >= 3 * PART_BYTES
    await bucket_storage.delete(key)
    assert await bucket_storage.direct().held_bytes(key) == 0


async def test_on_a_disk_nothing_is_asked(database: Database, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = await asyncio.to_thread(tmp_path_factory.mktemp, "disk")
    await declared(database)
    assert await end_overfull(database, DiskStorage(folder / "uploads", folder / "scratch")) == 0
