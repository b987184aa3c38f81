"""A worker process: what it says when it starts, what it needs, and how it stops."""

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from contracts.temporal_names import CONTROL_QUEUE, MEDIA_QUEUE
from contracts.worker_identity import WorkerIdentity
from embedded.child_log import WAITS
from media.capacity import memory_for_encodes
from media.ffmpeg import Ffmpeg
from media.sandbox import Layer
from runs.client import TemporalRuns
from settings import Settings
from tests.fixtures import commands
from tests.fixtures.bucket import BUCKET, BucketServer
from tests.fixtures.commands import Command
from tests.waiting import eventually
from workers.media import find_ffmpeg

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ended:
    """A worker that has stopped: its exit code and its log, a dict a line."""

    code: int
    log: list[dict[str, Any]]


RUN_COMPARING_SOON = """
import asyncio, worker
from logs import configure_logs
from settings import load_settings
configure_logs("json", "info")
asyncio.run(worker.run(load_settings(), ("video-media",), compared_again_seconds=4))
"""


@activity.defn
async def idle() -> None:
    """Nothing is asked of it."""


def settings_of(tmp_path: Path, **environment: str) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("RUSHES_", "TEMPORAL_", "DATABASE_"))
    }
    settings = {
        "RUSHES_HOME": str(tmp_path / "home"),
        "RUSHES_SCRATCH": str(tmp_path / "scratch"),
        "RUSHES_CONNECT_TIMEOUT_SECONDS": "1",
    }
    return inherited | settings | environment


async def begin(tmp_path: Path, *arguments: str, **environment: str) -> Command:
    return await commands.begin(["worker", *arguments], settings_of(tmp_path, **environment))


async def finish(worker: Command) -> Ended:
    async with asyncio.timeout(60):
        ended = await worker.ended()
    return Ended(ended.code, [json.loads(line) for line in ended.err.splitlines()])


@pytest.fixture
def temporal_address(temporal_environment: WorkflowEnvironment) -> str:
    return temporal_environment.client.service_client.config.target_host


async def test_a_worker_without_temporal_says_so_within_its_time_and_exits_with_1(tmp_path: Path) -> None:
    ended = await finish(
        await begin(tmp_path, TEMPORAL_ADDRESS="127.0.0.1:1", DATABASE_URL="postgresql://u:p@127.0.0.1:1/x")
    )
    assert ended.code == 1
    assert (ended.log[0]["event"], ended.log[0]["version"]) == ("worker_starting", version("rushes"))
    assert ended.log[0]["sandbox"] in set(Layer)
    assert "no environment" in ended.log[0]["protections"], "the first line says what is around ffmpeg"
    assert ended.log[-1]["event"] == "worker_cannot_start"
    assert "Temporal did not answer at 127.0.0.1:1" in ended.log[-1]["reason"]
    assert "TEMPORAL_ADDRESS" in ended.log[-1]["reason"]


async def test_a_worker_says_that_it_lives_also_without_temporal_and_no_more_when_it_hangs(tmp_path: Path) -> None:
    told = {"RUSHES_ALIVE_FILE": str(tmp_path / "alive")}
    process = await begin(
        tmp_path, "--queue", MEDIA_QUEUE, **told, TEMPORAL_ADDRESS="127.0.0.1:1", RUSHES_CONNECT_TIMEOUT_SECONDS="600"
    )

    async def wrong() -> str:
        look = [sys.executable, "-m", "workers.alive"]
        asked = await asyncio.create_subprocess_exec(
            *look, cwd=ROOT, env=os.environ | told, stderr=asyncio.subprocess.PIPE
        )
        _, sentence = await asked.communicate()
        assert bool(asked.returncode) == bool(sentence)
        return sentence.decode()

    async def lives() -> None:
        await eventually(wrong, lambda sentence: not sentence)

    try:
        await lives()
        process.send_signal(signal.SIGSTOP)
        long_ago = time.time() - 100
        os.utime(told["RUSHES_ALIVE_FILE"], (long_ago, long_ago))
        assert "has not said for 1" in await wrong()
        process.send_signal(signal.SIGCONT)
        await lives()
    finally:
        process.send_signal(signal.SIGKILL)
        await process.ended()


async def test_a_worker_without_its_database_says_so_and_does_not_log_the_password(
    tmp_path: Path, temporal_address: str
) -> None:
    ended = await finish(
        await begin(tmp_path, TEMPORAL_ADDRESS=temporal_address, DATABASE_URL="postgresql://u:secret@127.0.0.1:1/x")
    )
    assert ended.code == 1
    assert ended.log[-1]["event"] == "worker_cannot_start"
    assert ended.log[-1]["reason"].startswith("PostgreSQL at 127.0.0.1:1/x does not answer")
    assert "secret" not in json.dumps(ended.log)


async def test_a_control_worker_without_a_database_setting_is_told_which_one(
    tmp_path: Path, temporal_address: str
) -> None:
    ended = await finish(await begin(tmp_path, "--queue", CONTROL_QUEUE, TEMPORAL_ADDRESS=temporal_address))
    assert (ended.code, ended.log[-1]["event"]) == (1, "worker_cannot_start")
    assert ended.log[-1]["reason"].startswith("DATABASE_URL is not set.")


async def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    ended = await finish(await begin(tmp_path, RUSHES_MEDIA_SLOTS="none"))
    assert (ended.code, [line["event"] for line in ended.log]) == (1, ["worker_cannot_start"])
    assert ended.log[0]["reason"].startswith("RUSHES_MEDIA_SLOTS: ")


async def test_a_file_of_profiles_that_cannot_be_used_is_told_with_file_line_and_field(tmp_path: Path) -> None:
    profiles = tmp_path / "profiles.toml"
    profiles.write_text("[cinema]\nmax_short_side = 2160\nmax_copy_bit_rate = 1\nmax_bit_rate = 200_000\ncrf = 99\n")
    ended = await finish(
        await begin(tmp_path, RUSHES_PROFILES=str(profiles), DATABASE_URL="postgresql://u:p@127.0.0.1:1/x")
    )
    assert (ended.code, ended.log[-1]["event"]) == (1, "worker_cannot_start")
    assert ended.log[-1]["reason"].startswith(f"{profiles}, line 5: [cinema] crf: ")
    missing = await finish(await begin(tmp_path, RUSHES_PROFILES=str(tmp_path / "gone.toml")))
    assert (missing.code, missing.log[-1]["event"]) == (1, "worker_cannot_start")
    assert "RUSHES_PROFILES" in missing.log[-1]["reason"]


async def test_a_media_worker_that_requires_a_sandbox_does_not_start_where_none_works(
    ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    outside = tmp_path / "ffmpeg"
    outside.write_text(f'#!/bin/sh\nexec "{ffmpeg.ffmpeg_path}" "$@"\n')  # what it becomes is not there within
    outside.chmod(0o755)
    wrapped, queue = {"RUSHES_FFMPEG": str(outside), "TEMPORAL_ADDRESS": "127.0.0.1:1"}, ("--queue", MEDIA_QUEUE)
    ended = await finish(await begin(tmp_path, *queue, RUSHES_SANDBOX="required", **wrapped))
    assert (ended.code, [line["event"] for line in ended.log]) == (1, ["worker_cannot_start"])
    assert ended.log[0]["reason"].startswith("RUSHES_SANDBOX=required, and no sandbox works here (bubblewrap: ")


async def test_the_encodes_of_a_worker_hold_its_share_of_the_memory_and_no_more() -> None:
    ffmpeg, share = await find_ffmpeg(Settings(workers_on_host=2)), memory_for_encodes(2)
    assert share is not None
    async with ffmpeg.room_for(share - 1), ffmpeg.room_for(1):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), ffmpeg.room_for(1):
                pass


async def test_a_media_worker_needs_no_database_serves_its_queue_and_stops_on_sigterm(
    tmp_path: Path, temporal_environment: WorkflowEnvironment, temporal_address: str
) -> None:
    runs = TemporalRuns(temporal_environment.client)
    process = await begin(tmp_path, "--queue", MEDIA_QUEUE, "--label", "gpu-1", TEMPORAL_ADDRESS=temporal_address)

    async def pollers() -> list[WorkerIdentity]:
        queues = {queue.name: queue.pollers for queue in await runs.queues()}
        read = [WorkerIdentity.read(poller) for poller in queues[MEDIA_QUEUE]]
        return [worker for worker in read if worker is not None and worker.pid == process.pid]

    try:
        (worker,) = await eventually(pollers, bool)
    finally:
        process.send_signal(signal.SIGTERM)
        ended = await finish(process)
    assert (worker.queue, worker.host, worker.label) == (MEDIA_QUEUE, os.uname().nodename, "gpu-1")
    assert ended.code == 0
    lines = [line for line in ended.log if line["logger"] == "worker"]
    assert [line["event"] for line in lines] == ["worker_starting", "worker_ready", "worker_stopping", "worker_stopped"]
    assert lines[1]["storage"] == worker.storage


async def test_a_worker_that_began_with_others_of_another_place_stops_and_says_so(
    tmp_path: Path, own_namespace: Client
) -> None:
    """Both begin, see nobody, and serve: that is found out a little later."""
    elsewhere = WorkerIdentity(MEDIA_QUEUE, "another-host", 1, storage="ffffffff")
    there = {
        "TEMPORAL_ADDRESS": own_namespace.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": own_namespace.namespace,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RUN_COMPARING_SOON),
        cwd=ROOT,
        env=settings_of(tmp_path, **there),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    log = b""
    try:
        async with asyncio.timeout(90):
            while b"worker_ready" not in log:
                log += await process.stderr.readline()
        async with (
            Worker(own_namespace, task_queue=MEDIA_QUEUE, activities=[idle], identity=str(elsewhere)),
            asyncio.timeout(90),
        ):
            _, rest = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 1
    assert f"AnotherStorage: The worker {elsewhere} keeps its files in another place" in rest.decode()
    assert b"worker_stopping" in rest, "what it has begun is handed back"


async def test_a_worker_that_waits_says_for_what(tmp_path: Path) -> None:
    ended = await finish(
        await begin(
            tmp_path,
            *("--queue", MEDIA_QUEUE),
            TEMPORAL_ADDRESS="127.0.0.1:1",
            TEMPORAL_NAMESPACE="films",
            RUSHES_CONNECT_TIMEOUT_SECONDS="1.8",
        )
    )
    assert [line["event"] for line in ended.log] == ["worker_starting", "worker_waits", "worker_cannot_start"]
    assert ended.log[1]["event"] in WAITS, "who starts it reads there what it waits for"
    assert ended.log[1]["reason"].startswith("Waiting for Temporal at 127.0.0.1:1 (namespace films), for 2 s now")


async def test_a_worker_waits_for_the_tables_of_its_version_and_says_so(
    tmp_path: Path, temporal_address: str, empty_database_url: str
) -> None:
    ended = await finish(
        await begin(
            tmp_path,
            *("--queue", CONTROL_QUEUE),
            TEMPORAL_ADDRESS=temporal_address,
            DATABASE_URL=empty_database_url,
            RUSHES_CONNECT_TIMEOUT_SECONDS="3",
        )
    )
    assert ended.code == 1
    told = {line["event"]: line.get("reason", "") for line in ended.log}
    assert "Run `rushes migrate`." in told["worker_waits"]
    assert "Run `rushes migrate`." in told["worker_cannot_start"]


async def test_a_worker_with_wrong_credentials_of_its_bucket_says_so_and_exits_with_1(
    tmp_path: Path, temporal_address: str, shared_bucket_server: BucketServer
) -> None:
    wrong = {**shared_bucket_server.environment, "AWS_SECRET_ACCESS_KEY": "wrong"}
    ended = await finish(
        await begin(
            tmp_path,
            *("--queue", MEDIA_QUEUE),
            TEMPORAL_ADDRESS=temporal_address,
            RUSHES_STORAGE=f"s3://{BUCKET}",
            **wrong,
        )
    )
    assert (ended.code, ended.log[-1]["event"]) == (1, "worker_cannot_start")
    assert "the secret key does not belong to the access key" in ended.log[-1]["reason"]


async def test_a_label_that_can_not_be_read_again_is_refused(tmp_path: Path) -> None:
    ended = await finish(await begin(tmp_path, "--label", "two words"))
    assert (ended.code, ended.log[-1]["event"]) == (1, "worker_cannot_start")
    assert ended.log[-1]["reason"].startswith("RUSHES_WORKER_LABEL: ")
