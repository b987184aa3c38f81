"""The api as its own process: it starts without Temporal, serves, and stops when told."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
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
from tests.fixtures.commands import Command, begin, run
from tests.fixtures.stack import Home
from tests.runs.test_neighbours import polling
from tests.storage.originals import put_original


@asynccontextmanager
async def serving(port: int, environment: Mapping[str, str]) -> AsyncIterator[Command]:
    """``rushes api`` on that port; it is told to stop at the end of the block, where it has not been already."""
    command = await begin(["api"], {**os.environ, **environment, "RUSHES_PORT": str(port)})
    try:
        yield command
    finally:
        command.send_signal(signal.SIGTERM)
        await command.ended()


async def line_of(command: Command, event: str) -> dict[str, str]:
    """The first line of its log that tells of this."""
    while f'"{event}"' not in (line := (await command.err.readline()).decode()):
        assert line, "it ended"
    told: dict[str, str] = json.loads(line)
    return told


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
    command = await begin(["api"], {**os.environ, **environment, "RUSHES_PORT": str(port)})
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client:
        await until(lambda: answers(client), seconds=60)
        ready = await client.get("/readyz")
        uploaded = await client.post("/api/v1/videos/upload", files={"file": ("a.mp4", b"x")})
        command.send_signal(signal.SIGTERM)
        ended = await command.ended()
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert (uploaded.status_code, uploaded.json()["status"]) == (202, "processing")
    lines = [json.loads(line) for line in ended.err.splitlines()]
    accepted = next(line for line in lines if line["event"] == "upload accepted")
    assert accepted["video_id"] == uploaded.json()["video_id"]
    assert accepted["request_id"] == uploaded.headers["x-request-id"]
    assert ended.code in {0, -signal.SIGTERM}


async def answers(client: httpx.AsyncClient) -> bool:
    """Whether the api is there yet."""
    try:
        return (await client.get("/healthz")).is_success
    except httpx.TransportError:
        return False


async def test_the_api_does_not_start_with_a_broken_file_of_profiles_and_says_where_it_is_broken(
    database_url: str, tmp_path: Path
) -> None:
    broken = tmp_path / "own.toml"
    broken.write_text("crf = 23\n")
    environment = os.environ | {"DATABASE_URL": database_url, "RUSHES_PROFILES": str(broken), "RUSHES_PORT": "0"}
    ended = await run(["api"], environment, within_seconds=60)
    assert ended.code == 1
    assert ended.err == f"{broken}, line 1: crf stands outside any profile; write [name] above it.\n"


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
        async with (
            serving(port, environment),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client,
        ):
            await until(lambda: answers(client), seconds=60)


async def test_a_storage_that_refuses_is_named_at_the_start(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "uploads").write_text("in the way")
    environment = {"DATABASE_URL": database_url, "RUSHES_UPLOADS": str(tmp_path / "uploads")}
    async with serving(unused_port(), environment) as command:
        told = await line_of(command, "storage refuses")
    assert "a file is where a folder should be" in told["reason"]


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
    command = await begin(["api"], {**os.environ, **here.environment, "RUSHES_PORT": str(port)})
    ending = asyncio.create_task(command.ended())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client:

        async def storage_said() -> str:
            try:
                return str((await client.get("/readyz")).json()["checks"]["storage"])
            except httpx.TransportError:
                assert not ending.done()
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
            command.send_signal(signal.SIGTERM)
            events = [json.loads(line)["event"] for line in (await ending).err.splitlines()]
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
    async with (
        polling(own_namespace, elsewhere),
        asyncio.timeout(60),
        serving(unused_port(), environment) as command,
    ):
        told = (await line_of(command, "storage differs"))["reason"]
    assert f"The worker {elsewhere} keeps its files in another place than {tmp_path / 'uploads'}" in told
