"""What a worker says at its start of a bucket that is not as it should be."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from temporalio.client import Client

from contracts.temporal_names import MEDIA_QUEUE
from embedded.ports import LOOPBACK
from media.ffmpeg import Ffmpeg
from media.profile import load_profiles
from settings import Settings
from storage.bucket import BucketStorage
from tests.fixtures.bucket import BUCKET, BucketServer
from tests.fixtures.stack import Home
from tests.worker.test_worker import begin, finish
from workers.media import media_workers
from workers.place import Place

NO_SUCH_BUCKET: Final = (
    b"<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>"
)
"""As Amazon's S3 answers. SeaweedFS, which all else is tried with, makes a bucket that is missing."""


@asynccontextmanager
async def without_buckets() -> AsyncIterator[dict[str, str]]:
    """What a process needs to find a server that has no bucket and makes none."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        await reader.readexactly(int(length[1]) if length else 0)
        size = f"Content-Length: {len(NO_SUCH_BUCKET)}\r\nConnection: close\r\n\r\n".encode()
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Type: application/xml\r\n" + size)
        writer.write(b"" if head.startswith(b"HEAD") else NO_SUCH_BUCKET)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, LOOPBACK) as server:
        yield {
            "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_REGION": "us-east-1",
            "RUSHES_STORAGE": f"s3://{BUCKET}",
        }


@asynccontextmanager
async def by_a_clock_of_another_year(server: BucketServer) -> AsyncIterator[dict[str, str]]:
    """The server's environment, by a way that makes its files a year older."""

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while some := await source.read(64 * 1024):
            target.write(
                re.sub(
                    rb"(Last-Modified: \w+, \d+ \w+ )(\d{4})",
                    lambda found: found[1] + str(int(found[2]) - 1).encode(),
                    some,
                )
            )
            await target.drain()
        target.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(LOOPBACK, server.ports["s3.port"])
        await asyncio.gather(carry(reader, to_server), carry(from_server, writer), return_exceptions=True)

    async with await asyncio.start_server(connected, LOOPBACK) as way:
        port = way.sockets[0].getsockname()[1]
        yield {
            **server.environment,
            "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{port}",
            "RUSHES_STORAGE": f"s3://{BUCKET}/another-year",
        }


@pytest.fixture
def temporal_address(temporal_client: Client) -> str:
    return temporal_client.service_client.config.target_host


async def test_a_bucket_that_is_not_there_is_said_at_a_start_and_by_doctor(
    tmp_path: Path, home: Home, temporal_address: str
) -> None:
    async with without_buckets() as environment:
        ended = await finish(
            await begin(tmp_path, "--queue", MEDIA_QUEUE, TEMPORAL_ADDRESS=temporal_address, **environment)
        )
        doctor = await home.with_settings(**environment).rushes("doctor")
    assert (ended.code, ended.log[-1]["event"]) == (1, "worker_cannot_start")
    assert "there is no such bucket. Make it, or correct RUSHES_STORAGE." in ended.log[-1]["reason"]
    assert re.search(r"^fail +Bucket +write: .* there is no such bucket\. Make it", doctor.out, re.MULTILINE), doctor


async def test_clocks_that_differ_are_said_at_a_start(
    tmp_path: Path, temporal_address: str, shared_bucket_server: BucketServer
) -> None:
    async with by_a_clock_of_another_year(shared_bucket_server) as environment:
        process = await begin(tmp_path, "--queue", MEDIA_QUEUE, TEMPORAL_ADDRESS=temporal_address, **environment)
        async with asyncio.timeout(30):
            while b"clocks_differ" not in (line := await process.err.readline()):
                assert line, "it has ended"
        process.send_signal(signal.SIGTERM)
        assert (await finish(process)).code == 0, "it may serve all the same"
    assert re.search(rb"The clock of the storage is \d+ s behind this machine's\. Set both right \(NTP\)", line)


async def test_a_worker_of_a_bucket_does_one_step_more_than_it_has_slots(
    temporal_client: Client, ffmpeg: Ffmpeg, bucket_storage: BucketStorage
) -> None:
    client = await Client.connect(temporal_client.service_client.config.target_host)  # which no other test's worker has
    settings, place = Settings(media_slots=4, storage="s3://rushes-tests/a"), Place(bucket_storage, "here")
    workers = media_workers(client, settings, place, ffmpeg, load_profiles())
    assert [worker.config()["max_concurrent_activities"] for worker in workers] == [4, 1]
