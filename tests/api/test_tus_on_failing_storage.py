"""A storage that fails in the middle of a request costs what was not durable yet, and not the upload."""

import asyncio
import errno
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from api.options import ApiOptions
from api.services import Services
from contracts.errors import StorageFailed
from contracts.status import VideoStatus
from database.engine import Database
from storage.bucket import BucketStorage
from storage.bucket_client import open_bucket
from storage.bucket_objects import Bucket
from storage.bucket_records import Part, PutParts
from storage.disk import DiskStorage
from storage.disk_original import DiskOriginalWriter
from storage.filesystem import told_as_storage_failed
from storage.local_copies import LocalCopies
from storage.location import BucketLocation
from storage.protocol import Claim, Digest, Storage
from tests.api.running import RecordedRuns, over_http
from tests.api.tus import append, created, offset_of, row_of
from tests.fixtures.bucket import BUCKET, BucketServer
from tests.fixtures.lost_way import lost_way
from tests.fixtures.noise import noise
from tests.storage.published import content_of
from tests.waiting import eventually

MEBIBYTE = 1024 * 1024
CONTENT = noise(256 * 160 * 1024)  # 40 MiB: five parts of a multipart upload, kept twice on its way
FAILS_AT = 30 * MEBIBYTE


class Weather:
    """Whether the storage fails now."""

    def __init__(self) -> None:
        self.is_bad = True


class FullDiskWriter(DiskOriginalWriter):
    """On a disk that is full after so many bytes, until there is room."""

    weather: Weather

    def _append(self, pieces: Sequence[bytes | memoryview]) -> None:
        if self.weather.is_bad and self.size_bytes >= FAILS_AT:
            self._close()
            with told_as_storage_failed("store the upload", self._path.parent):
                raise OSError(errno.ENOSPC, "No space left on device")
        super()._append(pieces)


class FullDisk(DiskStorage):
    weather: Weather

    async def create_original(self, key: str, claim: Claim | None = None) -> DiskOriginalWriter:
        writer = FullDiskWriter(self._path(key))
        writer.weather = self.weather
        await writer.open(claim)
        return writer

    async def continue_original(
        self, key: str, size_bytes: int, digest: Digest | None = None, claim: Claim | None = None
    ) -> DiskOriginalWriter:
        writer = FullDiskWriter(self._path(key))
        writer.weather = self.weather
        await writer.go_on(size_bytes, digest, claim)
        return writer


@pytest.fixture
def weather() -> Weather:
    return Weather()


@pytest.fixture(params=["disk", "bucket"])
def storage(request: pytest.FixtureRequest, weather: Weather) -> Storage:
    """Each kind of place, failing in its own way."""
    if request.param == "disk":
        folder = request.getfixturevalue("tmp_path")
        disk = FullDisk(folder / "uploads", folder / "scratch")
        disk.weather = weather
        return disk
    bucket: Bucket = request.getfixturevalue("bucket")
    put_part = bucket.put_part

    async def put_or_fail(begun: PutParts, number: int, content: bytes) -> Part:
        if weather.is_bad and number == 4:
            raise StorageFailed("The bucket does not answer.")
        return await put_part(begun, number, content)

    bucket.put_part = put_or_fail  # type: ignore[method-assign]
    in_bucket: Storage = request.getfixturevalue("bucket_storage")
    return in_bucket


@pytest.fixture
async def http(services: Services, options: ApiOptions, storage: Storage) -> AsyncIterator[httpx.AsyncClient]:
    async with over_http(replace(services, storage=storage), options) as client:
        yield client


async def test_an_upload_goes_on_from_what_was_durable_when_the_storage_failed(
    http: httpx.AsyncClient, database: Database, storage: Storage, runs: RecordedRuns, weather: Weather
) -> None:
    url = await created(http, len(CONTENT))
    failed = await append(http, url, 0, CONTENT)
    assert (failed.status_code, failed.json()["code"]) == (507, "storage_failed")

    async def released() -> bool:
        return (await row_of(database, url)).upload_lease is None

    await eventually(released, bool)
    offset = await offset_of(http, url)
    assert 0 < offset <= FAILS_AT, "what is told is what is there"
    weather.is_bad = False
    assert (await append(http, url, offset, CONTENT[offset:])).status_code == 204
    video = await row_of(database, url)
    assert (video.status, video.file_size_bytes) == (VideoStatus.PROCESSING, len(CONTENT))
    assert await content_of(storage, video.original_key) == CONTENT
    assert len(runs.started) == 1


@pytest.mark.parametrize("storage", ["disk"], indirect=True)
async def test_an_upload_outlives_a_moment_in_which_something_else_answers_for_the_bucket(
    services: Services,
    options: ApiOptions,
    shared_bucket_server: BucketServer,
    database: Database,
    runs: RecordedRuns,
    tmp_path: Path,
) -> None:
    location, copies = BucketLocation(BUCKET, f"{secrets.token_hex(8)}/"), LocalCopies(tmp_path, MEBIBYTE)
    half, all_of_it = 10 * MEBIBYTE, CONTENT[: 20 * MEBIBYTE]
    async with lost_way(shared_bucket_server) as (way, environment), open_bucket(location, environment, 1) as bucket:
        storage = BucketStorage(bucket, copies)
        await storage.mark()
        async with over_http(replace(services, storage=storage), options) as http:
            url = await created(http, len(all_of_it))
            assert (await append(http, url, 0, all_of_it[:half])).status_code == 204
            way.is_lost = True
            failed = await append(http, url, half, all_of_it[half:])
            assert (failed.status_code, failed.json()["code"]) == (507, "storage_failed")
            assert (await row_of(database, url)).status == VideoStatus.UPLOADING
            way.is_lost = False
            assert (await append(http, url, half, all_of_it[half:])).status_code == 204
        assert await content_of(storage, (await row_of(database, url)).original_key) == all_of_it
    await copies.close()
    assert len(runs.started) == 1


class SlowToCommit(DiskOriginalWriter):
    """A disk that takes its time to make a file durable."""

    may_end: asyncio.Event

    async def commit(self) -> None:
        await self.may_end.wait()
        await super().commit()


@pytest.mark.parametrize("storage", ["disk"], indirect=True)
async def test_a_disk_that_takes_longer_than_a_lease_finishes_an_upload_once(
    services: Services, options: ApiOptions, storage: DiskStorage, database: Database, runs: RecordedRuns
) -> None:
    may_end = asyncio.Event()

    class SlowDisk(DiskStorage):
        async def create_original(self, key: str, claim: Claim | None = None) -> DiskOriginalWriter:
            writer = SlowToCommit(self._path(key))
            writer.may_end = may_end
            await writer.open(claim)
            return writer

    slow = SlowDisk(storage._uploads, storage._scratch)
    short = replace(options, resumable=replace(options.resumable, lease_seconds=0.6))
    content, ends = CONTENT[:MEBIBYTE], set()

    async def renewed() -> bool:
        ends.add((await row_of(database, url)).upload_lease_until)
        return len(ends) > 4

    async with over_http(replace(services, storage=slow), short) as http:
        url = await created(http, len(content))
        first = asyncio.create_task(append(http, url, 0, content))
        await eventually(renewed, bool)
        second = await append(http, url, 0, content)
        may_end.set()
        assert (await first).status_code == 204
    assert (second.status_code, second.json()["code"]) == (423, "upload_locked")
    assert len(runs.started) == 1


@pytest.mark.parametrize("storage", ["disk"], indirect=True)
@pytest.mark.parametrize("begin", [0, MEBIBYTE])
async def test_a_request_that_is_held_up_for_longer_than_its_lease_harms_nothing_of_the_one_after_it(
    services: Services, options: ApiOptions, storage: DiskStorage, database: Database, begin: int
) -> None:
    held_up, hangs, end = asyncio.Event(), asyncio.Event(), 9 * MEBIBYTE

    class HangingDisk(DiskStorage):
        async def create_original(self, key: str, claim: Claim | None = None) -> DiskOriginalWriter:
            await self._hang()
            return await super().create_original(key, claim)

        async def continue_original(
            self, key: str, size_bytes: int, digest: Digest | None = None, claim: Claim | None = None
        ) -> DiskOriginalWriter:
            await self._hang()
            return await super().continue_original(key, size_bytes, digest, claim)

        async def _hang(self) -> None:
            if hangs.is_set():
                hangs.clear()
                await held_up.wait()

    disk = HangingDisk(storage._uploads, storage._scratch)
    short = replace(options, resumable=replace(options.resumable, lease_seconds=0.3))
    async with over_http(replace(services, storage=disk), short) as http:
        url = await created(http, len(CONTENT))
        if begin:
            assert (await append(http, url, 0, CONTENT[:begin])).status_code == 204
        hangs.set()
        late = asyncio.create_task(append(http, url, begin, CONTENT[begin : begin + 1]))

        async def goes_on() -> bool:
            return not hangs.is_set() and (await append(http, url, begin, CONTENT[begin:end])).status_code == 204

        await eventually(goes_on, bool)
        held_up.set()
        answer = await late
        assert (answer.status_code, answer.json()["code"]) == (423, "upload_locked")
        assert (await append(http, url, end, CONTENT[end:])).status_code == 204
    assert await content_of(disk, (await row_of(database, url)).original_key) == CONTENT
