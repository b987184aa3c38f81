"""While PostgreSQL is away: 503, and nothing on disk."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from api.services import ApiOptions, Services
from database.engine import Database
from embedded.postgres import EmbeddedPostgres
from storage.disk import DiskStorage
from tests.api.forms import MULTIPART, file_part, form, in_pieces
from tests.api.running import RecordedRuns, in_process, nothing_to_reconcile

UPLOAD = "/api/v1/videos/upload"
MEBIBYTE = 1024 * 1024


@pytest.fixture
async def stoppable_client(
    stoppable_postgres: EmbeddedPostgres, storage: DiskStorage, runs: RecordedRuns, options: ApiOptions
) -> AsyncIterator[httpx.AsyncClient]:
    database = Database(stoppable_postgres.url(stoppable_postgres.port), pool_size=2)
    services = Services(
        database, database.videos, database.accounts, database.upload_leases, storage, runs, nothing_to_reconcile
    )
    async with in_process(services, replace(options, reconcile_interval_seconds=3600)) as client:
        yield client
    await database.dispose()


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


async def test_nothing_works_without_the_database_and_everything_after_it_is_back(
    stoppable_client: httpx.AsyncClient, stoppable_postgres: EmbeddedPostgres, uploads_folder: Path
) -> None:
    await stoppable_postgres.stop()
    requests = [
        stoppable_client.build_request("POST", UPLOAD, files={"file": ("clip.mp4", b"x" * 3 * MEBIBYTE)}),
        stoppable_client.build_request(
            "POST", UPLOAD, files={"file": ("clip.mp4", b"x")}, headers={"Idempotency-Key": "key"}
        ),
        stoppable_client.build_request("GET", "/api/v1/videos"),
        stoppable_client.build_request("GET", "/api/v1/system"),
        stoppable_client.build_request("GET", f"/uploads/processed/{uuid4()}/video.mp4"),
    ]
    for request in requests:
        answer = await stoppable_client.send(request)
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert "retry-after" in answer.headers
    readiness = await stoppable_client.get("/readyz")
    assert (readiness.status_code, readiness.json()["checks"]["temporal"]) == (503, "ok")
    assert readiness.json()["checks"]["database"] != "ok"
    assert files_in(uploads_folder) == []

    await stoppable_postgres.start()
    answer = await stoppable_client.post(UPLOAD, files={"file": ("clip.mp4", b"x")})
    assert answer.status_code == 202


async def test_a_database_that_goes_away_during_an_upload_leaves_no_file(
    stoppable_client: httpx.AsyncClient, stoppable_postgres: EmbeddedPostgres, uploads_folder: Path
) -> None:
    seen: list[str] = []

    async def stop_the_database(start: int) -> None:
        if start > 2 * MEBIBYTE and not seen:
            seen.extend(files_in(uploads_folder))
            await stoppable_postgres.stop()

    body = form(file_part(b"x" * 4 * MEBIBYTE))
    answer = await stoppable_client.post(UPLOAD, headers=MULTIPART, content=in_pieces(body, 65536, stop_the_database))
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert len(seen) == 1
    assert files_in(uploads_folder) == []
