"""What one video uses, measured on the whole stack with its files in a bucket."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from temporalio.client import Client as TemporalClient

from bench.capacity.counters import Places, metrics_port, read_counters
from bench.capacity.usage import Sample, Usage, Way
from bench.client import Client
from bench.clips import Clip, Kind
from bench.errors import NotMeasured
from bench.ground import Ground
from bench.systems.rushes import stack_up
from contracts.temporal_names import workflow_id
from embedded.run_file import RunFile
from tests.fixtures.bucket import BUCKET, METRICS, bucket_server

_POLL_SECONDS: Final = 1.0
_IDLE_SECONDS: Final = 30.0
_SETTLE_SECONDS: Final = 12.0
"""A connection of PostgreSQL that rests tells what it did after ten seconds at the latest."""

_CHUNK: Final = "encode_chunk"
_KINDS: Final = {Way.COPIED: Kind.PLAYABLE, Way.ENCODED: Kind.TEN_BIT}
MEGABITS: Final = 8.0

MEASURED: Final = (
    (Way.COPIED, 5.0, 6),
    (Way.COPIED, 40.0, 3),
    (Way.ENCODED, 6.0, 3),
    (Way.ENCODED, 20.0, 1),
    (Way.ENCODED, 40.0, 1),
)
"""What becomes of them, length in seconds, how many. An encode of 6 s is in one piece, longer ones are in chunks."""


@dataclass(frozen=True)
class Stack:
    """A stack that runs, its files in a bucket, and where its counters are.

    Attributes:
        run: What its ``run.json`` says.
        places: The counters.
    """

    run: RunFile
    places: Places


@asynccontextmanager
async def stack_on_a_bucket(ground: Ground) -> AsyncIterator[Stack]:
    """``rushes up`` with its defaults, and SeaweedFS beside it."""
    home = ground.home("capacity")
    async with bucket_server(ground.folder / "bucket") as server:
        storage = {"RUSHES_STORAGE": f"s3://{BUCKET}/capacity/", **server.environment}
        async with stack_up(ground, home, **storage) as run:
            if server.pid is None:
                raise NotMeasured("The bucket's server is gone.")
            names = ("api", "worker", "postgres", "temporal")
            pids = {name: run.pids[name] for name in names} | {"bucket": server.pid}
            port = await asyncio.to_thread(metrics_port, run.pids["temporal"])
            yield Stack(run, Places(run.database, port, server.ports[METRICS], pids))


def clip_of(way: Way, seconds: float) -> Clip:
    """A clip in 1080p at the rate of ``MEGABITS``."""
    return Clip("capacity", _KINDS[way], seconds, 1920, 1080, MEGABITS)


async def measure(ground: Ground, stack: Stack) -> tuple[Usage, tuple[Sample, ...]]:
    """What the idle stack uses a second, and what videos use beyond that."""
    files = {(way, seconds): await ground.clips.drawn(clip_of(way, seconds)) for way, seconds, _ in MEASURED}
    async with Client(stack.run.api) as client:
        for file in (files[Way.COPIED, 5.0], files[Way.ENCODED, 6.0]):  # to wake it up; they don't count
            await client.pass_through(file, _POLL_SECONDS)
        idle = await _idle(stack)
        samples = []
        for way, seconds, rounds in MEASURED:
            ground.say(f"  {rounds} x {way}, {seconds:g} s")
            samples.append(await _sample(stack, client, files[way, seconds], (way, seconds, rounds), idle))
    return idle, tuple(samples)


async def _idle(stack: Stack) -> Usage:
    await asyncio.sleep(_SETTLE_SECONDS)
    before, began = await read_counters(stack.places), time.monotonic()
    await asyncio.sleep(_IDLE_SECONDS)
    after = await read_counters(stack.places)
    idle = after.plus(before, -1).times(1 / (time.monotonic() - began))
    return replace(idle, wal_bytes=0.0)  # an idle stack writes nothing: it is what PostgreSQL tidies up after the last


async def _sample(stack: Stack, client: Client, file: Path, what: tuple[Way, float, int], idle: Usage) -> Sample:
    way, seconds, rounds = what
    before, began = await read_counters(stack.places), time.monotonic()
    passed = [await client.pass_through(file, _POLL_SECONDS) for _ in range(rounds)]
    await asyncio.sleep(_SETTLE_SECONDS)
    after, ended = await read_counters(stack.places), time.monotonic()
    used = after.plus(before, -1).plus(idle, -(ended - began)).times(1 / rounds).at_least_nothing()
    size = await asyncio.to_thread(lambda: file.stat().st_size)
    published = await client.published_bytes(passed[-1].video_id)
    history_bytes, chunks = await _history(stack.run, passed[-1].video_id)
    used = replace(used, history_bytes=history_bytes, stored_bytes=float(size + published))
    return Sample(way, seconds, size, chunks, rounds, used)


async def _history(run: RunFile, video_id: str) -> tuple[float, int]:
    """The size of a run's history in bytes, and in how many chunks it encoded."""
    client = await TemporalClient.connect(run.temporal, namespace=run.namespace)
    handle = client.get_workflow_handle(workflow_id(video_id))
    description = await handle.describe()
    names = [
        event.activity_task_scheduled_event_attributes.activity_type.name
        async for event in handle.fetch_history_events()
    ]
    return float(description.raw_description.workflow_execution_info.history_size_bytes), names.count(_CHUNK)


def mean_published_share(samples: Sequence[Sample]) -> float:
    """The published video's size as a share of what is stored for it, mean of the samples."""
    shares = [1 - sample.source_bytes / sample.usage.stored_bytes for sample in samples]
    return sum(shares) / len(shares)
