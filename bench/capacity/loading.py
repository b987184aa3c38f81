"""A load run: more videos than the machine can do, for some minutes, as they come and not as they are answered."""

import asyncio
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import psycopg

from bench.capacity.assumptions import COPIED_SHARE
from bench.capacity.counters import machine_seconds, processor_seconds, read_counters
from bench.capacity.findings import Loaded
from bench.capacity.measuring import Stack, clip_of
from bench.capacity.usage import Sample, Way, usage_at
from bench.client import Client
from bench.errors import NotMeasured
from bench.ground import Ground

LOAD_MIX: Final = (
    (Way.COPIED, 5.0, COPIED_SHARE * 0.8),
    (Way.COPIED, 40.0, COPIED_SHARE * 0.2),
    (Way.ENCODED, 6.0, (1 - COPIED_SHARE) * 0.6),
    (Way.ENCODED, 20.0, (1 - COPIED_SHARE) * 0.4),
)
"""The published share of what is copied, in lengths of which a small machine does enough in minutes."""

_OVERLOAD: Final = 1.3
_SEED: Final = 6
_LOOK_SECONDS: Final = 2.0
_WITHIN_SECONDS: Final = 1800.0
_STANDING: Final = "SELECT count(*) FROM videos WHERE status IN ('uploading', 'processing')"
_ENDED: Final = """
    SELECT id::text, status, extract(epoch FROM updated_at)::float8 FROM videos WHERE id::text = ANY(%s)
"""


@dataclass
class _Sent:
    came: dict[str, float] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    backlog: list[tuple[float, int]] = field(default_factory=list)


def mean_processor_seconds(samples: Sequence[Sample]) -> float:
    """Of one video of the load's mix, in all processes."""
    return sum(usage_at(samples, way, seconds).processor_seconds * share for way, seconds, share in LOAD_MIX)


def planned_arrivals(seconds: float, rate: float) -> list[tuple[float, int]]:
    """When videos come, at random with that rate, and which clip each is; the same every time."""
    drawn = random.Random(_SEED)  # noqa: S311  the same every time is what is wanted
    moment, planned = 0.0, []
    while moment < seconds:
        planned.append((moment, drawn.choices(range(len(LOAD_MIX)), [share for _, _, share in LOAD_MIX])[0]))
        moment += drawn.expovariate(rate)
    return planned


async def load(ground: Ground, stack: Stack, samples: Sequence[Sample], seconds: float) -> Loaded:
    """Send for so many seconds, wait until all are ready, and tell how it went.

    Raises:
        NotMeasured: They did not end in time.
    """
    files = [await ground.clips.drawn(clip_of(way, length)) for way, length, _ in LOAD_MIX]
    rate = _OVERLOAD * (os.cpu_count() or 1) / mean_processor_seconds(samples)
    planned = planned_arrivals(seconds, rate)
    ground.say(f"  {len(planned)} videos in {seconds:.0f} s")
    load_before, sent = os.getloadavg()[0], _Sent()
    before, machine_before, client_before = await read_counters(stack.places), machine_seconds(), _client_seconds()
    began, began_epoch = time.monotonic(), time.time()

    async def send(client: Client, moment: float, kind: int) -> None:
        await asyncio.sleep(max(0.0, began + moment - time.monotonic()))
        video_id, _ = await client.upload(files[kind])
        sent.came[video_id], sent.kinds[video_id] = moment, kind

    async with Client(stack.run.api) as client, asyncio.TaskGroup() as tasks:
        sending = [tasks.create_task(send(client, moment, kind)) for moment, kind in planned]
        watching = tasks.create_task(_watch(stack, sent, began))
        await asyncio.wait(sending)
        await _until_none(sent, began)
        watching.cancel()
    whole = time.monotonic() - began
    used = (await read_counters(stack.places)).plus(before, -1)
    machine = [after - first for after, first in zip(machine_seconds(), machine_before, strict=True)]
    by_client = _client_seconds() - client_before
    ended = await _ended(stack, list(sent.came))
    ready = {video: moment - began_epoch for video, (status, moment) in ended.items() if status == "ready"}
    order = sorted(ready, key=lambda video: sent.came[video])
    return Loaded(
        seconds=planned[-1][0],
        sent=len(planned),
        failed=len(planned) - len(ready),
        came=tuple(moment for moment, _ in planned),
        kinds=tuple(kind for _, kind in planned),
        clips=tuple((str(way), length) for way, length, _ in LOAD_MIX),
        ready=tuple(sorted(ready.values())),
        waits=tuple(ready[video] - sent.came[video] for video in order),
        backlog=tuple(sent.backlog),
        used=used,
        client_seconds=by_client,
        others_seconds=max(0.0, machine[0] - used.processor_seconds - by_client),
        idle_seconds=machine[1],
        whole_seconds=whole,
        load_before=load_before,
    )


async def _watch(stack: Stack, sent: _Sent, began: float) -> None:
    """Write down every other second how many are there and not ready."""
    async with await psycopg.AsyncConnection.connect(stack.places.database, autocommit=True) as connection:
        while True:
            row = await (await connection.execute(_STANDING)).fetchone()
            sent.backlog.append((time.monotonic() - began, int(row[0]) if row else 0))
            await asyncio.sleep(_LOOK_SECONDS)


async def _until_none(sent: _Sent, began: float) -> None:
    """Return once none is there that was looked at after now."""
    asked = time.monotonic()
    while not (sent.backlog and sent.backlog[-1][1] == 0 and began + sent.backlog[-1][0] > asked):
        if time.monotonic() - asked > _WITHIN_SECONDS:
            raise NotMeasured(f"{sent.backlog[-1][1]} videos were not ready within {_WITHIN_SECONDS:.0f} s.")
        await asyncio.sleep(_LOOK_SECONDS / 2)


async def _ended(stack: Stack, videos: list[str]) -> dict[str, tuple[str, float]]:
    """Status of each and since when, in seconds of the clock."""
    async with await psycopg.AsyncConnection.connect(stack.places.database, autocommit=True) as connection:
        rows = await (await connection.execute(_ENDED, (videos,))).fetchall()
    return {str(video): (str(status), float(moment)) for video, status, moment in rows}


def _client_seconds() -> float:
    """Of this process alone."""
    return processor_seconds(os.getpid())[0]
