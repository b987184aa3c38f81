"""A form has its room, and takes no more: what is to stay free on the disk stays free."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from api.options import ApiOptions
from api.services import Services
from database.engine import Database
from storage.disk import DiskStorage
from tests.api.forms import BOUNDARY, MULTIPART, file_part
from tests.api.running import over_http, until, with_limits

UPLOAD = "/api/v1/videos/upload"
MEBIBYTE = 1024 * 1024
ROOM = 40 * MEBIBYTE


class SmallDisk(DiskStorage):
    """One with little room, of which nobody else takes any."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "uploads", folder / "scratch")
        self.folder = folder

    async def free_bytes(self) -> int:
        return ROOM - self.taken_bytes()

    def taken_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def disk(tmp_path: Path) -> SmallDisk:
    return SmallDisk(tmp_path)


def serving(services: Services, options: ApiOptions, disk: SmallDisk) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    """The api with that disk."""
    large = with_limits(options, max_bytes=10 * ROOM)
    spare = replace(large, resumable=replace(large.resumable, spare_bytes=8 * MEBIBYTE))
    return over_http(replace(services, storage=disk), spare)


async def mebibytes(number: int, go_on: asyncio.Event | None = None) -> AsyncIterator[bytes]:
    """A form with so much in its file, the rest of it once it may go on."""
    yield file_part(b"")[:-2]
    for _ in range(number):
        yield bytes(MEBIBYTE)
        if go_on is not None:
            await go_on.wait()
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


async def rows(database: Database) -> int:
    return sum((await database.videos.count_by_status()).values())


async def test_a_form_that_does_not_say_its_length_ends_where_what_is_to_stay_free_begins(
    services: Services, options: ApiOptions, disk: SmallDisk, database: Database
) -> None:
    async with serving(services, options, disk) as http:
        answer = await http.post(UPLOAD, headers=MULTIPART, content=mebibytes(50))
        assert (answer.status_code, answer.json()["code"]) == (507, "no_room")
        assert (disk.taken_bytes(), await rows(database)) == (0, 0)
        assert (await http.post(UPLOAD, headers=MULTIPART, content=mebibytes(20))).status_code == 202


async def test_of_forms_at_once_each_has_the_room_that_it_declared(
    services: Services, options: ApiOptions, disk: SmallDisk, database: Database
) -> None:
    go_on = asyncio.Event()
    size = sum([len(piece) async for piece in mebibytes(20)])
    declared = MULTIPART | {"Content-Length": str(size)}
    async with serving(services, options, disk) as http:
        first = asyncio.create_task(http.post(UPLOAD, headers=declared, content=mebibytes(20, go_on)))

        async def is_begun() -> bool:
            return await rows(database) == 1

        await until(is_begun)
        second = await http.post(UPLOAD, headers=declared, content=mebibytes(20))
        assert (second.status_code, second.json()["code"]) == (507, "no_room")
        tus = {"Tus-Resumable": "1.0.0", "Upload-Length": str(size), "Upload-Metadata": "filename YS5tcDQ="}
        assert (await http.post("/api/v1/uploads", headers=tus)).status_code == 507
        go_on.set()
        assert (await first).status_code == 202
