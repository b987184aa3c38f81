"""Rushes with its files in a bucket and several media workers, and how many bytes they read from it."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from bench.ground import TEMPORAL_ADDRESS, Ground
from bench.processes import running
from bench.systems.rushes import stack_up, until_polled, worker_command
from contracts.temporal_names import MEDIA_QUEUE
from embedded.child import ChildPlan
from embedded.ports import LOOPBACK
from tests.fixtures.bucket import BUCKET, bucket_server

_PIECE_BYTES: Final = 256 * 1024
_REQUEST: Final = re.compile(rb"(?:GET /[^/]+/[^/]+/(?P<folder>\w+)|[A-Z]+ )")
"""A key begins with the prefix of this storage, and then with what kind of file it is."""
_NO_FILE: Final = "no file"


class Counted:
    """Bytes that came from the bucket, by the folder of what was asked for: ``originals``, ``work`` and so on."""

    def __init__(self) -> None:
        """None yet."""
        self.by_folder: Counter[str] = Counter()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        """Pass on one connection, each way, until it ends. A client asks again when it has been answered."""
        folder = _NO_FILE

        async def ask() -> None:
            nonlocal folder
            async for some in _passed_on(reader, to_server):
                if (found := _REQUEST.match(some)) is not None:
                    folder = (found["folder"] or _NO_FILE.encode()).decode()

        async def answer() -> None:
            async for some in _passed_on(from_server, writer):
                self.by_folder[folder] += len(some)

        from_server, to_server = await asyncio.open_connection(LOOPBACK, port)
        await asyncio.gather(ask(), answer())


async def _passed_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    try:
        while some := await source.read(_PIECE_BYTES):
            yield some
            target.write(some)
            await target.drain()
    except ConnectionError:
        pass  # one side is gone; the other learns of it below
    finally:
        target.close()


@asynccontextmanager
async def _counting(port: int) -> AsyncIterator[tuple[str, Counted]]:
    """Another address of the bucket's server, and what is read through it."""
    counted, opened = Counted(), set[asyncio.Task[Any]]()

    def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(counted.carry(reader, writer, port))
        opened.add(task)
        task.add_done_callback(opened.discard)

    listening = await asyncio.start_server(connect, LOOPBACK, 0)
    try:
        yield f"http://{LOOPBACK}:{listening.sockets[0].getsockname()[1]}", counted
    finally:
        listening.close()
        for task in opened:
            task.cancel()


@asynccontextmanager
async def workers_on_bucket(ground: Ground, count: int) -> AsyncIterator[tuple[str, Counted]]:
    """Rushes with so many media workers of one slot each, that share nothing but the bucket.

    Yields:
        Base URL of the api, and what was read from the bucket.
    """
    async with AsyncExitStack() as resources:
        server = await resources.enter_async_context(bucket_server(ground.folder / "bucket-of-workers"))
        address, counted = await resources.enter_async_context(_counting(server.ports["s3.port"]))
        settings = server.environment | {
            "AWS_ENDPOINT_URL": address,
            "RUSHES_STORAGE": f"s3://{BUCKET}/workers/",
            "RUSHES_MEDIA_SLOTS": "1",
            "RUSHES_MAX_UPLOAD_BYTES": "2000000000",
        }
        home = ground.home("on-a-bucket")
        run = await resources.enter_async_context(stack_up(ground, home, **settings))
        for number in range(2, count + 1):
            own = {"RUSHES_HOME": str(home / f"{number}"), "RUSHES_SCRATCH": str(home / f"{number}" / "scratch")}
            environment = ground.environment(**settings, **own, **{TEMPORAL_ADDRESS: run.temporal})
            plan = ChildPlan(f"media-{number}", worker_command(MEDIA_QUEUE), environment, stop_within_seconds=30)
            await resources.enter_async_context(running(plan, home))
        await until_polled(run.api, count)
        yield run.api, counted
