"""(c) Many clips at once, most of which need no encoding."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.aims import ANSWER_TO_READY, THROUGHPUT
from bench.cases.model import Case, Gathered, with_each
from bench.client import ERROR, READY, Client
from bench.clips import Clip, Kind
from bench.errors import NotMeasured
from bench.ground import Ground
from bench.systems.model import System

_POLL_SECONDS: Final = 0.05
_WITHIN_SECONDS: Final = 1800.0
_ENCODED_KINDS: Final = (Kind.TEN_BIT, Kind.HEVC, Kind.MPEG4)
_LENGTHS: Final = (2, 3, 4, 5, 6)


def burst_clips(count: int, encoded: int) -> list[Clip]:
    """So many clips of 2 to 6 s, each another picture; those to be encoded are spread evenly among the others."""
    if encoded > count:
        raise ValueError("more to be encoded than there are")
    places = {round((number + 0.5) * count / encoded) for number in range(encoded)} if encoded else set()
    clips = []
    for number in range(count):
        kind = _ENCODED_KINDS[number % len(_ENCODED_KINDS)] if number in places else Kind.PLAYABLE
        clips.append(Clip("burst", kind, _LENGTHS[number % len(_LENGTHS)], 1280, 720, 4, seed=number + 1))
    return clips


async def _run(ground: Ground, gathered: Gathered) -> None:
    scale = ground.scale
    clips = burst_clips(scale.burst_clips, scale.burst_encoded)
    files = [await ground.clips.drawn(clip) for clip in clips]
    gathered.conditions += [
        f"{len(files)} clips of 2 to 6 s, 1280x720, 4 Mbit/s; {scale.burst_encoded} of them must be encoded.",
        f"Uploaded as fast as they are answered, {scale.burst_parallel} at a time; the clock runs from the first byte "
        "to the last clip's ready. The list of videos is asked every 50 ms.",
    ]

    async def measure(system: System, client: Client) -> None:
        began = time.monotonic()
        waits = await _send_all(client, files, scale.burst_parallel)
        gathered.add(system.name, THROUGHPUT, "1/min", [60 * len(files) / (time.monotonic() - began)])
        gathered.add(system.name, ANSWER_TO_READY, "s", waits)

    await with_each(ground, gathered, measure)


async def _send_all(client: Client, files: Sequence[Path], parallel: int) -> list[float]:
    """Upload all, wait for all; seconds from each one's answer to its ready."""
    answered: dict[str, float] = {}
    free = asyncio.Semaphore(parallel)

    async def send(file: Path) -> None:
        async with free:
            video_id, sent = await client.upload(file)
            answered[video_id] = sent.answered

    async with asyncio.TaskGroup() as tasks:
        for file in files:
            tasks.create_task(send(file))
        seen = tasks.create_task(_until_all_ready(client, len(files), answered))
    return [seen.result()[video_id] - moment for video_id, moment in answered.items()]


async def _until_all_ready(client: Client, count: int, answered: dict[str, float]) -> dict[str, float]:
    """When each was first seen to be ready, once so many are."""
    ready: dict[str, float] = {}
    deadline = time.monotonic() + _WITHIN_SECONDS
    while len(ready) < count:
        states = await client.newest(count)
        now = time.monotonic()
        ours = {video_id: state for video_id, state in states.items() if video_id in answered}
        for video_id, state in ours.items():
            if state.status == ERROR:
                raise NotMeasured(f"A clip ended in error: {state.reason}")
            if state.status == READY:
                ready.setdefault(video_id, now)
        if now > deadline:
            raise NotMeasured(f"{count - len(ready)} clips were not ready within {_WITHIN_SECONDS:.0f} s.")
        await asyncio.sleep(_POLL_SECONDS)
    return ready


BURST: Final = (Case("c", "Many short clips at once, most of which need no encoding", _run),)
