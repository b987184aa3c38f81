"""Whether the service lives, can take uploads, and how it stands."""

import asyncio
import re
import tempfile
import threading
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.options import ApiOptions
from api.readiness import Question
from api.services import Services
from contracts.errors import DatabaseUnavailable, ErrorCode, StorageFailed
from contracts.processing import Step
from contracts.status import VideoStatus
from database.engine import Database
from runs.records import LiveProgress, WorkerState
from storage.disk import DiskStorage
from tests.api.running import RecordedRuns, in_process, services_of
from tests.database.samples import video_in
from tests.waiting import eventually


class Away:
    """A dependency that is away."""

    async def ping(self, timeout_seconds: float) -> None:
        assert timeout_seconds > 0
        raise DatabaseUnavailable("PostgreSQL does not answer.")

    async def check(self) -> None:
        raise StorageFailed("The disk is read-only.")

    def waited_for(self) -> None:
        pass


async def test_a_living_process_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_service_with_everything_is_ready(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": {"database": "ok", "storage": "ok", "temporal": "ok"}}


async def test_a_service_whose_tables_are_not_there_is_not_ready_and_says_what_to_do(
    options: ApiOptions, empty_database_url: str, storage: DiskStorage, runs: RecordedRuns
) -> None:
    database = Database(empty_database_url, pool_size=2)
    quiet = replace(options, reconcile_interval_seconds=3600)
    async with in_process(services_of(database, storage, runs), quiet) as client:
        for path, code in (("/readyz", "not_ready"), ("/api/v1/videos", "database_unavailable")):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, code)
            assert "Run `rushes migrate`." in answer.json()["detail"]
    await database.dispose()


async def test_a_service_without_temporal_still_takes_uploads(client: httpx.AsyncClient, runs: RecordedRuns) -> None:
    runs.away = True
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"]["temporal"] == "Temporal does not answer."


async def test_a_temporal_that_refuses_is_told_of(client: httpx.AsyncClient, runs: RecordedRuns) -> None:
    runs.refusal = "Temporal refuses: no such namespace. Check TEMPORAL_NAMESPACE."
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert answer.json()["detail"] == runs.refusal == answer.json()["checks"]["temporal"]


async def test_however_many_ask_a_disk_that_hangs_is_asked_once_and_nobody_hangs_with_it() -> None:
    asked, mended = [], asyncio.Event()

    async def hang() -> None:
        asked.append(1)
        await mended.wait()

    question = Question(hang, patience_seconds=0.05, known_seconds=0)
    answers = [*await asyncio.gather(question.answer(), question.answer()), await question.answer()]
    assert ({answer.said for answer in answers}, len(asked)) == ({"No answer in time."}, 1)
    mended.set()
    assert (await question.answer()).is_ok


@pytest.mark.parametrize("name", ["uploads", "scratch"])
async def test_a_folder_whose_disk_takes_no_writes_is_named_and_what_asks_nothing_of_it_is_told(
    services: Services, options: ApiOptions, storage: DiskStorage, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    mended, folder, write = threading.Event(), getattr(storage, f"_{name}"), tempfile.TemporaryFile

    def hang(*, dir: Path) -> object:  # noqa: A002  as its parameter is called
        if dir.is_relative_to(folder):
            mended.wait()
        return write(dir=dir)

    monkeypatch.setattr(tempfile, "TemporaryFile", hang)
    try:
        async with in_process(services, options) as client:
            checks = (await client.get("/readyz")).json()["checks"]
            assert re.fullmatch(rf"{folder}\S* does not answer\. Look whether its disk hangs\.", checks["storage"])
            assert (await client.get("/api/v1/system")).json()["storage"]["free_bytes"] > 0
            mended.set()
            assert (await eventually(partial(client.get, "/readyz"), lambda answer: answer.is_success)).is_success
    finally:
        mended.set()


async def test_how_the_service_stands_is_told_while_a_disk_does_not_say_what_is_free(
    services: Services, options: ApiOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent(DiskStorage):
        async def free_bytes(self) -> int:
            await asyncio.Event().wait()
            return 0

    monkeypatch.setattr("api.routers.system._STORAGE_SECONDS", 0.1)
    silent = replace(services, storage=Silent(tmp_path, tmp_path))
    async with in_process(silent, options) as client, asyncio.timeout(20):
        system = (await client.get("/api/v1/system")).json()
    assert system["storage"] == {"kind": "disk", "free_bytes": None}
    assert system["versions"]["temporal"] == "1.32.0"


async def test_an_answer_holds_for_a_moment() -> None:
    asked = []

    async def ask() -> None:
        asked.append(1)

    kept = Question(ask, known_seconds=60)
    assert [(await kept.answer()).said for _ in range(3)] == ["ok"] * 3
    assert len(asked) == 1


@pytest.mark.parametrize("dependency", ["database", "storage"])
async def test_a_service_that_can_not_take_uploads_is_not_ready(
    services: Services, options: ApiOptions, dependency: str
) -> None:
    changed: Any = {dependency: Away()}
    async with in_process(replace(services, **changed), options) as client:
        answer = await client.get("/readyz")
        lives = await client.get("/healthz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    checks = answer.json()["checks"]
    assert checks.pop(dependency) == answer.json()["detail"]
    assert set(checks.values()) == {"ok"}
    assert lives.status_code == 200


async def test_the_system_tells_videos_queues_versions_limits_and_profiles(client: httpx.AsyncClient) -> None:
    uploaded = await client.post("/api/v1/videos/upload", files={"file": ("a.mp4", b"x")})
    system = (await client.get("/api/v1/system")).json()
    assert system.pop("oldest_running")["id"] == uploaded.json()["video_id"]
    assert system.pop("storage")["free_bytes"] > 0
    assert system == {
        "videos": {"uploading": 0, "processing": 1, "ready": 0, "error": 0, "deleting": 0},
        "queues": [
            {"name": "video-control", "backlog": 0, "backlog_age_seconds": 0, "pollers": ["1@host"]},
            {"name": "video-media", "backlog": 3, "backlog_age_seconds": 12.5, "pollers": []},
            {"name": "webhooks", "backlog": 0, "backlog_age_seconds": 0, "pollers": ["1@host"]},
        ],
        "workers": None,
        "reprocessing": 0,
        "last_hour": {"ready": 0, "ready_seconds": 0.0, "failures": {}},
        "temporal": {"address": "127.0.0.1:7233", "namespace": "default", "reachable": True, "ui_url": None},
        "versions": {"rushes": "0.0.0", "temporal": "1.32.0"},
        "limits": {"allowed_extensions": [".mp4", ".mov", ".avi"], "max_upload_bytes": 8 * 1024 * 1024},
        "profiles": [
            {"name": "archive", "description": "For later.", "is_default": False},
            {"name": "web", "description": "For everybody.", "is_default": True},
        ],
    }


async def test_running_videos_are_told_with_step_speed_time_left_and_worker(
    client: httpx.AsyncClient, runs: RecordedRuns
) -> None:
    first = await client.post("/api/v1/videos/upload", files={"file": ("a.mp4", b"x")})
    second = await client.post("/api/v1/videos/upload", files={"file": ("b.mp4", b"x")})
    runs.live = LiveProgress(Step.TRANSCODE, 0.5, 1, 2.0, 12.0, ("video-media@host:1",), datetime.now(UTC))
    running = (await client.get("/api/v1/system/running")).json()["items"]
    assert [video["id"] for video in running] == [first.json()["video_id"], second.json()["video_id"]]
    told = {name: running[0][name] for name in ("step", "progress", "speed", "time_left_seconds", "workers")}
    assert told == {
        "step": "transcode",
        "progress": 0.5,
        "speed": 2.0,
        "time_left_seconds": 12.0,
        "workers": ["video-media@host:1"],
    }
    runs.away = True
    assert (await client.get("/api/v1/system/running?limit=1")).json()["items"][0]["progress"] is None


async def test_failures_of_the_last_hour_are_counted_by_code(
    client: httpx.AsyncClient, database: Database, runs: RecordedRuns
) -> None:
    for code in (ErrorCode.STORAGE_FAILED, ErrorCode.STORAGE_FAILED, ErrorCode.INVALID_MEDIA):
        video = await video_in(database.videos, VideoStatus.PROCESSING)
        await database.videos.mark_error(video.id, 1, code, "It failed.")
    await video_in(database.videos, VideoStatus.READY)
    runs.known_workers = [
        WorkerState("video-media", "host", 7, "", "1.0", 1, 1, datetime.now(UTC), datetime.now(UTC), False)
    ]
    system = (await client.get("/api/v1/system")).json()
    assert system["last_hour"]["failures"] == {"storage_failed": 2, "invalid_media": 1}
    assert (system["last_hour"]["ready"], system["last_hour"]["ready_seconds"] > 0) == (1, True)
    assert (system["workers"][0]["busy_slots"], system["workers"][0]["version"]) == (1, "1.0")


async def test_the_system_is_told_without_temporal(client: httpx.AsyncClient, runs: RecordedRuns) -> None:
    runs.away = True
    answer = await client.get("/api/v1/system")
    assert answer.status_code == 200
    assert (answer.json()["queues"], answer.json()["versions"]["temporal"]) == (None, None)
    assert answer.json()["temporal"]["reachable"] is False
