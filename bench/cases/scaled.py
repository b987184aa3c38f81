"""(f) One long video on several small workers."""

from pathlib import Path
from typing import Final

from bench.aims import ANSWER_TO_READY, RUSHES
from bench.cases.model import TINY, Case, Gathered
from bench.client import Client
from bench.clips import Clip, Kind
from bench.ground import Ground
from bench.systems.rushes import limited_workers

_CORES: Final = 0.25
_POLL_SECONDS: Final = 0.1


async def _run(ground: Ground, gathered: Gathered) -> None:
    scale = ground.scale
    file = await ground.clips.drawn(Clip("scaled", Kind.TEN_BIT, scale.scaled_seconds, 1280, 720, 10))
    gathered.conditions += [
        f"{scale.scaled_seconds} s, 1280x720, 10 Mbit/s, H.264 High 10; the same video each time.",
        f"Each media worker, with all that it runs, has {_CORES:g} of a core by its own control group, and one slot. "
        "Api, Temporal, PostgreSQL and the worker for workflows are not limited. The api is asked every 100 ms.",
    ]
    times = {count: await _time(ground, file, count) for count in scale.scaled_workers}
    for count, seconds in times.items():
        workers = f"{count} worker{'s' if count > 1 else ''}"
        gathered.add(RUSHES, f"{ANSWER_TO_READY}, {workers}", "s", [seconds])
    alone = times[min(times)]
    for count, seconds in times.items():
        gathered.add(RUSHES, f"speed-up, {count} worker{'s' if count > 1 else ''}", "x", [alone / seconds])


async def _time(ground: Ground, file: Path, workers: int) -> float:
    ground.say(f"  {workers} x {_CORES:g} of a core")
    tiny = await ground.clips.drawn(TINY)
    async with limited_workers(ground, workers, _CORES) as api, Client(api) as client:
        await client.pass_through(tiny, _POLL_SECONDS)
        return (await client.pass_through(file, _POLL_SECONDS)).ready_seconds


SCALED: Final = (Case("f", "One long video on several workers of a quarter core each", _run),)
