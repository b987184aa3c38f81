"""While PostgreSQL is away: 503, and nothing on disk."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from api.options import ApiOptions
from api.services import Services
from contracts.errors import DatabaseUnavailable
from contracts.status import VideoStatus
from database.engine import Database
from database.tables import Video
from database.videos import Videos
from embedded.postgres import EmbeddedPostgres
from runs.client import TemporalRuns
from runs.reconcile import Reconciler
from storage.disk import DiskStorage
from temporal_client import connect
from tests.api.forms import MULTIPART, file_part, form, in_pieces
from tests.api.running import RecordedRuns, in_process, services_of
from tests.database.samples import new_video
from tests.storage.originals import put_original

UPLOAD = "/api/v1/videos/upload"
MEBIBYTE = 1024 * 1024


@pytest.fixture
async def stoppable_client(
    stoppable_postgres: EmbeddedPostgres, storage: DiskStorage, runs: RecordedRuns, options: ApiOptions
) -> AsyncIterator[httpx.AsyncClient]:
    database = Database(stoppable_postgres.url(stoppable_postgres.port), pool_size=2)
    services = services_of(database, storage, runs)
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


async def test_a_file_that_is_whole_is_kept_when_the_database_goes_away_and_made_ready_all_the_same(
    stoppable_client: httpx.AsyncClient,
    stoppable_postgres: EmbeddedPostgres,
    storage: DiskStorage,
    uploads_folder: Path,
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
    [kept] = (uploads_folder / "originals").iterdir()
    assert kept.stat().st_size == 4 * MEBIBYTE

    await stoppable_postgres.start()
    database = Database(stoppable_postgres.url(stoppable_postgres.port), pool_size=1)
    async with database.transaction() as session:
        await session.execute(text("UPDATE videos SET upload_expires_at = now() - interval '1 second'"))
    reconciler = Reconciler(database, TemporalRuns(await connect(lazy=True)), storage)
    assert (await reconciler.run()).found_whole == 1
    [video] = (await database.videos.list_page(None, limit=2, after=None)).videos
    assert (video.status, video.file_size_bytes) == (VideoStatus.PROCESSING, 4 * MEBIBYTE)
    assert files_in(uploads_folder) == [kept.name]
    await database.dispose()


async def test_who_sends_a_file_again_whose_api_died_right_after_its_last_byte_has_one_video(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, uploads_folder: Path
) -> None:
    begun = new_video()
    await database.videos.create_uploading(begun, "key")
    await put_original(storage, begun.original_key)
    upload = {"files": {"file": ("clip.mp4", b"the only copy")}, "headers": {"Idempotency-Key": "key"}}
    meanwhile = await client.post(UPLOAD, **upload)  # type: ignore[arg-type]
    assert (meanwhile.status_code, meanwhile.json()["code"]) == (409, "upload_in_progress")
    async with database.transaction() as session:
        await session.execute(text("UPDATE videos SET upload_expires_at = now() - interval '1 second'"))
    again = await client.post(UPLOAD, **upload)  # type: ignore[arg-type]
    assert (again.status_code, again.json()["video_id"]) == (202, str(begun.id))
    assert files_in(uploads_folder) == [f"{begun.id}.mp4"]


class AwayAfterTheFile(Videos):
    """The queries, where PostgreSQL goes away when the file is durable."""

    async def finish_upload(self, video_id: UUID, **of: Any) -> Video:
        raise DatabaseUnavailable(f"The connection was lost before {video_id} became {of}.")


async def test_a_form_that_is_found_whole_is_what_its_sender_said_of_it(
    services: Services, options: ApiOptions, database: Database
) -> None:
    upload = {
        "files": {"file": ("clip.mp4", b"the only copy")},
        "data": {"title": "A holiday", "profile": "archive", "metadata": '{"order": "17"}'},
        "headers": {"Idempotency-Key": "key"},
    }
    async with in_process(replace(services, videos=AwayAfterTheFile(database.transaction)), options) as client:
        assert (await client.post(UPLOAD, **upload)).status_code == 503  # type: ignore[arg-type]
    async with database.transaction() as session:
        await session.execute(text("UPDATE videos SET upload_expires_at = now() - interval '1 second'"))
    async with in_process(services, options) as client:
        again = await client.post(UPLOAD, **upload)  # type: ignore[arg-type]
    assert again.status_code == 202
    video = await database.videos.get(UUID(again.json()["video_id"]))
    assert video is not None
    assert (video.title, video.profile, video.user_metadata) == ("A holiday", "archive", {"order": "17"})


class LosesAnswers(Videos):
    """The queries on a connection that breaks right after its first COMMITs."""

    lost = 0
    to_lose = 0

    async def describe_upload(self, video_id: UUID, **said: Any) -> None:
        await super().describe_upload(video_id, **said)
        self._maybe_lose()

    async def finish_upload(self, video_id: UUID, **said: Any) -> Video:
        finished = await super().finish_upload(video_id, **said)
        self._maybe_lose()
        return finished

    async def get(self, video_id: UUID, user_id: str | None = None) -> Video | None:
        found = await super().get(video_id, user_id)
        self._maybe_lose()
        return found

    def _maybe_lose(self) -> None:
        if self.lost < self.to_lose:
            self.lost += 1
            raise DatabaseUnavailable("The connection was lost.")


@pytest.mark.parametrize(
    ("to_lose", "status", "said"), [(1, 202, {}), (9, 503, {}), (2, 202, {"data": {"title": "A"}})]
)
async def test_a_lost_answer_to_a_commit_loses_no_original(
    services: Services,
    options: ApiOptions,
    database: Database,
    uploads_folder: Path,
    to_lose: int,
    status: int,
    said: dict[str, Any],
) -> None:
    videos = LosesAnswers(database.transaction)
    videos.to_lose = to_lose
    async with in_process(replace(services, videos=videos), options) as client:
        upload = {"files": {"file": ("clip.mp4", b"the only copy")}, "headers": {"Idempotency-Key": "key"}, **said}
        first = await client.post(UPLOAD, **upload)
        assert first.status_code == status
        again = await client.post(UPLOAD, **upload)
    assert again.status_code == 202
    if status == 202:
        assert first.json()["video_id"] == again.json()["video_id"]
    [original] = (uploads_folder / "originals").iterdir()
    assert original.read_bytes() == b"the only copy"
    video = await database.videos.get(UUID(again.json()["video_id"]))
    assert video is not None
    assert video.status == VideoStatus.PROCESSING
