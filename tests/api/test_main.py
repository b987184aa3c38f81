"""The api as its own process: it starts without Temporal, serves, and stops when told."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from api.main import build
from contracts.temporal_names import MEDIA_QUEUE
from contracts.worker_identity import WorkerIdentity
from database.engine import Database
from storage.disk import DiskStorage
from tests.api.running import until
from tests.database.samples import new_video
from tests.fixtures.stack import Home
from tests.runs.test_neighbours import polling
from tests.storage.originals import put_original

SERVE = """
import sys, uvicorn
uvicorn.run("api.main:build", factory=True, port=int(sys.argv[1]), log_config=None, timeout_graceful_shutdown=5)
"""


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


async def test_the_api_serves_without_temporal_and_stops_when_told(database_url: str, tmp_path: Path) -> None:
    port = unused_port()
    environment = {
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": f"127.0.0.1:{unused_port()}",
        "RUSHES_HOME": str(tmp_path),
        "RUSHES_SCRATCH": str(tmp_path / "scratch"),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, str(port), env=os.environ | environment, stderr=asyncio.subprocess.PIPE
    )
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client:

        async def answers() -> bool:
            try:
                return (await client.get("/healthz")).is_success
            except httpx.TransportError:
                return process.returncode is not None

        await until(answers, seconds=60)
        ready = await client.get("/readyz")
        uploaded = await client.post("/api/v1/videos/upload", files={"file": ("a.mp4", b"x")})
        process.send_signal(signal.SIGTERM)
        _, log = await process.communicate()
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert (uploaded.status_code, uploaded.json()["status"]) == (202, "processing")
    lines = [json.loads(line) for line in log.splitlines()]
    accepted = next(line for line in lines if line["event"] == "upload accepted")
    assert accepted["video_id"] == uploaded.json()["video_id"]
    assert accepted["request_id"] == uploaded.headers["x-request-id"]
    assert process.returncode in {0, -signal.SIGTERM}


async def test_the_api_does_not_start_with_a_broken_file_of_profiles_and_says_where_it_is_broken(
    database_url: str, tmp_path: Path
) -> None:
    broken = tmp_path / "own.toml"
    broken.write_text("crf = 23\n")
    environment = os.environ | {"DATABASE_URL": database_url, "RUSHES_PROFILES": str(broken), "RUSHES_PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", "api"), env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, told = await process.communicate()
    assert process.returncode == 1
    assert told.decode() == f"{broken}, line 1: crf stands outside any profile; write [name] above it.\n"


async def test_the_api_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(SystemExit, match="DATABASE_URL"):
        build()


async def test_the_api_starts_beside_a_bucket_that_says_nothing(database_url: str, tmp_path: Path) -> None:
    port = unused_port()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = {
            "DATABASE_URL": database_url,
            "RUSHES_HOME": str(tmp_path),
            "RUSHES_STORAGE": "s3://videos",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SERVE, str(port), env=os.environ | environment, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client:

                async def answers() -> bool:
                    try:
                        return (await client.get("/healthz")).is_success
                    except httpx.TransportError:
                        return False

                await until(answers, seconds=60)
        finally:
            process.terminate()
            await process.communicate()


async def test_a_storage_that_refuses_is_named_at_the_start(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "uploads").write_text("in the way")
    environment = {"DATABASE_URL": database_url, "RUSHES_UPLOADS": str(tmp_path / "uploads")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, str(unused_port()), env=os.environ | environment, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        while b'"storage refuses"' not in (line := await process.stderr.readline()):
            assert line, "it ended"
    finally:
        process.terminate()
        await process.communicate()
    assert "a file is where a folder should be" in json.loads(line)["reason"]


async def test_beside_the_files_of_another_database_nothing_is_mended_and_it_is_told_once_until_they_are_adopted(
    database: Database, database_url: str, home: Home
) -> None:
    port, begun = unused_port(), new_video(expires_in_seconds=-1)
    await database.videos.create_uploading(begun)
    here = home.with_settings(
        DATABASE_URL=database_url,
        TEMPORAL_ADDRESS=f"127.0.0.1:{unused_port()}",
        RUSHES_UPLOADS=str(home.folder / "uploads"),
        RUSHES_SCRATCH=str(home.folder / "scratch"),
        RUSHES_RECONCILE_INTERVAL_SECONDS="0.2",
    )
    storage = DiskStorage(home.folder / "uploads", home.folder / "scratch")
    await storage.claim("0123456789abcdef" * 2)
    await put_original(storage, begun.original_key, whole=False)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, str(port), env=here.environment, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    log = asyncio.create_task(process.stderr.read())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client:

        async def storage_said() -> str:
            try:
                return str((await client.get("/readyz")).json()["checks"]["storage"])
            except httpx.TransportError:
                assert process.returncode is None
                return ""

        try:
            await until(lambda: said("belongs to another database", storage_said), seconds=60)
            assert "rushes storage adopt" in await storage_said()
            assert "fail  Storage" in (await here.rushes("doctor")).out
            swept = await here.rushes("sweep")
            assert (swept.code, "another database" in swept.err) == (3, True), swept
            row = await database.videos.get(begun.id)
            assert row is not None
            assert row.status == "uploading"
            adopted = await here.rushes("storage", "adopt")
            assert adopted.out.endswith("belongs to this database; another database had it before.\n"), adopted

            async def is_ended() -> bool:
                row = await database.videos.get(begun.id)
                return row is not None and row.status == "error"

            await until(is_ended, seconds=60)
            await until(lambda: said("ok", storage_said), seconds=60)
        finally:
            process.terminate()
            events = [json.loads(line)["event"] for line in (await log).splitlines()]
            await process.wait()
    assert events.count("storage of another database") == 1
    assert events.count("storage adopted") == 1


async def said(wanted: str, saying: Callable[[], Awaitable[str]]) -> bool:
    return wanted in await saying()


async def test_workers_that_keep_their_files_elsewhere_are_named_at_the_start(
    database_url: str, own_namespace: Client, tmp_path: Path
) -> None:
    elsewhere = str(replace(WorkerIdentity.of_this_process(MEDIA_QUEUE, storage="0123abcd"), host="another-host"))
    environment = {
        "DATABASE_URL": database_url,
        "RUSHES_UPLOADS": str(tmp_path / "uploads"),
        "RUSHES_SCRATCH": str(tmp_path / "scratch"),
        "TEMPORAL_ADDRESS": own_namespace.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": own_namespace.namespace,
    }
    async with polling(own_namespace, elsewhere):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SERVE, str(unused_port())),
            env=os.environ | environment,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        try:
            async with asyncio.timeout(60):
                while b'"storage differs"' not in (line := await process.stderr.readline()):
                    assert line, "it ended"
        finally:
            process.terminate()
            await process.communicate()
    told = json.loads(line)["reason"]
    assert f"The worker {elsewhere} keeps its files in another place than {tmp_path / 'uploads'}" in told
