"""What may begin as an upload by tus: its declaration, its room, and the key that makes it one."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from api.options import ApiOptions
from api.services import Services
from database.engine import Database
from storage.disk import DiskStorage
from storage.protocol import Storage
from tests.api.running import RecordedRuns, over_http
from tests.api.tus import (
    BYTES,
    CONTENT,
    MEBIBYTE,
    TUS,
    UPLOADS,
    append,
    arrived,
    created,
    metadata,
    offset_of,
    row_of,
)


async def test_the_options_say_what_is_spoken(http: httpx.AsyncClient) -> None:
    answer = await http.options(UPLOADS)
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert set(answer.headers["tus-extension"].split(",")) == {
        *("creation", "creation-with-upload", "termination", "checksum", "expiration")
    }
    assert answer.headers["tus-max-size"] == str(64 * MEBIBYTE)
    assert "sha1" in answer.headers["tus-checksum-algorithm"]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412, "tus_version"),
        ({"Upload-Length": ""}, 400, "tus_header"),
        ({"Upload-Length": "-1"}, 400, "tus_header"),
        ({"Upload-Defer-Length": "1"}, 400, "tus_header"),
        ({"Upload-Length": str(65 * MEBIBYTE)}, 413, "too_large"),
        ({"Upload-Length": "0"}, 422, "file_empty"),
        ({"Upload-Metadata": "filename not*base64"}, 400, "tus_header"),
        ({"Upload-Metadata": "filename ménage.mp4"}, 400, "tus_header"),
        ({"Upload-Metadata": ""}, 400, "tus_header"),
        (metadata(filename="notes.txt"), 415, "unsupported_extension"),
        (metadata(filename="a.mp4", title="x" * 201), 422, "invalid_title"),
        (metadata(filename="a.mp4", profile="none"), 422, "unknown_profile"),
        ({"Content-Type": "video/mp4"}, 415, "tus_media_type"),
    ],
)
async def test_what_can_not_begin_is_refused_and_leaves_no_row(
    http: httpx.AsyncClient, database: Database, headers: dict[str, str], status: int, code: str
) -> None:
    asked = {**TUS, "Upload-Length": "5", **metadata(filename="a.mp4"), **headers}
    answer = await http.post(
        UPLOADS, headers=[(name.encode(), value.encode("latin-1")) for name, value in asked.items()]
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["tus-resumable"] == "1.0.0"
    page = await database.videos.list_page("local", limit=1, after=None)
    assert page.videos == ()


async def test_what_does_not_fit_is_refused_before_its_first_byte(
    services: Services, options: ApiOptions, tmp_path: Path
) -> None:
    class SmallDisk(DiskStorage):
        async def free_bytes(self) -> int:
            assert await super().free_bytes() > 0
            return 50 * MEBIBYTE

    small = replace(services, storage=SmallDisk(tmp_path / "uploads", tmp_path / "scratch"))
    spare = replace(options.resumable, spare_bytes=10 * MEBIBYTE)
    async with over_http(small, replace(options, resumable=spare)) as http:
        asked = {**TUS, "Upload-Length": str(25 * MEBIBYTE), **metadata(filename="a.mp4")}
        at_once = await asyncio.gather(*(http.post(UPLOADS, headers=asked) for _ in range(4)))
        begun = [answer for answer in at_once if answer.status_code == 201]
        if not begun:  # each saw the others' bytes
            await created(http, 25 * MEBIBYTE)
        answer = await http.post(UPLOADS, headers=asked)
    assert len(begun) <= 1
    assert {answer.status_code for answer in at_once} <= {201, 507}
    assert (answer.status_code, answer.json()["code"]) == (507, "no_room"), "the first one's bytes are reserved"
    assert "the 10.0 MiB that are to stay free (RUSHES_SPARE_BYTES)" in answer.json()["detail"]
    assert await services.upload_leases.reserved_bytes() == 25 * MEBIBYTE, "what was refused left no row"


async def test_only_bytes_put_off_the_end_of_an_upload(http: httpx.AsyncClient, database: Database) -> None:
    url = await created(http)
    at_first = (await row_of(database, url)).upload_expires_at
    wrong = {"Upload-Checksum": f"sha256 {base64.b64encode(hashlib.sha256(b'other').digest()).decode()}"}
    assert (await append(http, url, 0, b"")).status_code == 204
    assert (await append(http, url, 0, b"bytes", **wrong)).status_code == 460
    assert (await row_of(database, url)).upload_expires_at == at_first
    assert (await append(http, url, 0, CONTENT[:1])).status_code == 204
    later = (await row_of(database, url)).upload_expires_at
    assert at_first is not None
    assert later is not None
    assert later > at_first


@asynccontextmanager
async def a_day_ahead(database: Database) -> AsyncIterator[None]:
    """The database's clock, other than ours until the block ends."""
    async with database.transaction() as session:
        name = await session.scalar(text("SELECT current_database()"))
        await session.execute(text("CREATE SCHEMA tomorrow"))
        now = "CREATE FUNCTION tomorrow.now() RETURNS timestamptz LANGUAGE sql STABLE"
        await session.execute(text(f"{now} AS $$SELECT pg_catalog.now() + interval '1 day'$$"))
        await session.execute(text(f'ALTER DATABASE "{name}" SET search_path = tomorrow, pg_catalog, public'))
    await database.dispose()  # a connection has its search path from its beginning
    try:
        yield
    finally:
        async with database.transaction() as session:
            await session.execute(text(f'ALTER DATABASE "{name}" RESET search_path'))
            await session.execute(text("DROP SCHEMA tomorrow CASCADE"))
        await database.dispose()


async def test_it_is_the_clock_of_the_database_that_tells_when_an_upload_is_forgotten(
    http: httpx.AsyncClient, database: Database
) -> None:
    async with a_day_ahead(database):
        url = await created(http)
        assert await database.backlog.expired_uploads(limit=10) == []
        async with database.transaction() as session:
            await session.execute(text("UPDATE videos SET upload_expires_at = now() - interval '1 minute'"))
        assert (await append(http, url, 0, CONTENT)).json()["code"] == "upload_gone"


async def test_room_is_reserved_only_while_bytes_come_and_looked_for_again_afterwards(
    services: Services, options: ApiOptions, tmp_path: Path
) -> None:
    class SmallDisk(DiskStorage):
        free = 50 * MEBIBYTE

        async def free_bytes(self) -> int:
            return self.free

    disk = SmallDisk(tmp_path / "uploads", tmp_path / "scratch")
    at_once_rested = replace(options.resumable, reserved_seconds=0)
    small = replace(services, storage=disk)
    async with over_http(small, options) as http, over_http(small, replace(options, resumable=at_once_rested)) as later:
        url = await created(http, 40 * MEBIBYTE)
        asked = {**TUS, "Upload-Length": str(40 * MEBIBYTE), **metadata(filename="a.mp4")}
        assert (await http.post(UPLOADS, headers=asked)).status_code == 507
        await created(later, 40 * MEBIBYTE)
        disk.free = 30 * MEBIBYTE
        answer = await append(later, url, 0, CONTENT)
        assert (answer.status_code, answer.json()["code"]) == (507, "no_room")
        disk.free = 50 * MEBIBYTE
        assert (await append(later, url, 0, CONTENT)).status_code == 204


async def test_a_creation_sent_again_with_its_key_answers_the_first_upload_and_where_to_go_on(
    http: httpx.AsyncClient, database: Database, storage: Storage, runs: RecordedRuns
) -> None:
    key = {"Idempotency-Key": "trip to the sea"}
    url = await created(http, **key)
    assert await created(http, **key) == url, "the answer was lost before a byte was sent"
    await append(http, url, 0, CONTENT[:MEBIBYTE])
    asked = {**BYTES, "Upload-Length": str(len(CONTENT)), **metadata(filename="holiday.mp4"), **key}
    again = await http.post(UPLOADS, headers=asked, content=CONTENT)
    assert (again.status_code, again.headers["location"]) == (201, url)
    assert (again.headers["upload-offset"], again.headers["idempotency-replayed"]) == (str(MEBIBYTE), "true")
    assert (await append(http, url, MEBIBYTE, CONTENT[MEBIBYTE:])).status_code == 204
    done = await http.post(UPLOADS, headers=asked, content=CONTENT)
    assert (done.status_code, done.headers["upload-offset"]) == (201, str(len(CONTENT)))
    await arrived(database, storage, runs, url)


async def test_of_twenty_creations_with_one_key_at_once_one_upload_comes(
    http: httpx.AsyncClient, database: Database
) -> None:
    urls = await asyncio.gather(*(created(http, **{"Idempotency-Key": "key"}) for _ in range(20)))
    assert len(set(urls)) == 1
    assert sum((await database.videos.count_by_status()).values()) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"Upload-Length": "6"},
        metadata(filename="another.mp4"),
        metadata(filename="holiday.mp4", title="A title"),
        metadata(filename="holiday.mp4", profile="archive"),
    ],
)
async def test_a_key_with_another_declaration_is_refused(http: httpx.AsyncClient, other: dict[str, str]) -> None:
    key = {"Idempotency-Key": "key"}
    await created(http, 5, **key)
    asked = {**TUS, "Upload-Length": "5", **metadata(filename="holiday.mp4"), **key, **other}
    answer = await http.post(UPLOADS, headers=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_key_is_free_again_after_its_upload_was_terminated_or_refused(http: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "key"}
    refused = await http.post(UPLOADS, headers={**TUS, "Upload-Length": "0", **metadata(filename="a.mp4"), **key})
    assert refused.status_code == 422
    url = await created(http, 5, **key)
    assert (await http.delete(url, headers=TUS)).status_code == 204
    assert await created(http, 6, **key) != url
    unprintable = await http.post(UPLOADS, headers={**TUS, "Idempotency-Key": "x" * 256})
    assert unprintable.json()["code"] == "invalid_idempotency_key"


async def test_a_key_of_a_form_is_not_one_of_an_upload_to_go_on_with(http: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "key"}
    form = await http.post("/api/v1/videos/upload", headers=key, files={"file": ("holiday.mp4", b"bytes")})
    assert form.status_code == 202
    answer = await http.post(UPLOADS, headers={**TUS, "Upload-Length": "5", **metadata(filename="holiday.mp4"), **key})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_key_of_one_door_drops_no_file_that_comes_by_another(http: httpx.AsyncClient) -> None:
    keys = [{"Idempotency-Key": name} for name in ("of tus", "of a form", "of an import")]
    file, import_wanted = {"file": ("holiday.mp4", b"bytes")}, {"url": "https://videos.example.com/holiday.mp4"}
    await created(http, 5, **keys[0])
    assert (await http.post("/api/v1/videos/upload", headers=keys[1], files=file)).status_code == 202
    assert (await http.post("/api/v1/videos/import", headers=keys[2], json=import_wanted)).status_code == 202
    answers = [
        *[await http.post("/api/v1/videos/upload", headers=key, files=file) for key in (keys[0], keys[2])],
        *[await http.post("/api/v1/videos/import", headers=key, json=import_wanted) for key in keys[:2]],
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(422, "idempotency_key_reused")] * 4


@pytest.mark.parametrize(
    ("checksum", "status", "offset"),
    [(f"sha256 {base64.b64encode(bytes(32)).decode()}", 460, 0), ("crc9 AAAA", 400, None)],
)
async def test_a_creation_whose_bytes_are_refused_says_where_to_go_on_or_makes_nothing(
    http: httpx.AsyncClient, database: Database, checksum: str, status: int, offset: int | None
) -> None:
    headers = {**BYTES, "Upload-Length": "20", **metadata(filename="a.mp4"), "Upload-Checksum": checksum}
    refused = await http.post(UPLOADS, headers=headers, content=CONTENT[:20])
    assert refused.status_code == status
    if offset is None:
        assert sum((await database.videos.count_by_status()).values()) == 0
    else:
        assert await offset_of(http, refused.headers["location"]) == offset
