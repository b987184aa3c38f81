"""(e) A worker that is killed near the end of a long encode."""

import asyncio
import statistics
import time
from pathlib import Path
from typing import Final

from bench.aims import ANSWER_TO_READY, EXTRA, RUSHES
from bench.cases.model import Case, Gathered, with_each
from bench.client import READY, Client
from bench.clips import Clip, Kind
from bench.errors import NotMeasured
from bench.ground import Ground
from bench.result import Finding
from bench.systems.model import System

_POLL_SECONDS: Final = 0.1
_SHARE: Final = 0.8
_AFTER_THE_KILL: Final = "answer to ready, worker killed"
_PATIENCE_SECONDS: Final = 300.0
_LOST_AFTER: Final = 1.2
"""How long a system is waited for that does not come back, in undisturbed runs."""


async def _run(ground: Ground, gathered: Gathered) -> None:
    seconds = ground.scale.killed_seconds
    file = await ground.clips.drawn(Clip("killed", Kind.TEN_BIT, seconds, 1920, 1080, 20))
    gathered.conditions += [
        f"{seconds} s, 1920x1080, 20 Mbit/s, H.264 High 10. In turn, a run undisturbed and one "
        "in which the worker gets SIGKILL.",
        "Rushes: the worker alone is killed when the api says 80 % of the step; the stack starts it again by itself.",
        "celery and naive tell no progress: the worker and all that it runs are killed after 80 % of the undisturbed "
        "time, and started again at once. As described, Celery acknowledges a task when it begins, and does not retry.",
        f"A system is given up when {_LOST_AFTER:g} undisturbed runs have passed after that.",
    ]

    async def measure(system: System, client: Client) -> None:
        undisturbed: list[float] = []
        killed: list[float] = []
        for _ in range(ground.scale.killed_rounds if system.name == RUSHES else 1):
            undisturbed.append((await client.pass_through(file, _POLL_SECONDS)).ready_seconds)
            ended = await _killed(system, client, file, undisturbed[-1])
            if ended is None:
                gathered.findings.append(Finding(system.name, await system.fate()))
                break
            killed.append(ended)
        gathered.add(system.name, ANSWER_TO_READY, "s", undisturbed)
        gathered.add(system.name, _AFTER_THE_KILL, "s", killed)
        gathered.add(system.name, EXTRA, "s", [one - statistics.median(undisturbed) for one in killed])

    await with_each(ground, gathered, measure)


async def _killed(system: System, client: Client, file: Path, undisturbed: float) -> float | None:
    """Seconds from answer to ready of a run whose worker is killed; None where it never becomes ready."""
    video_id, sent = await client.upload(file)
    patience = _LOST_AFTER * undisturbed
    if system.name == RUSHES:
        await _until_advanced(client, video_id)
        patience += _PATIENCE_SECONDS
    else:
        await asyncio.sleep(max(0.0, sent.answered + _SHARE * undisturbed - time.monotonic()))
    await system.kill_worker()
    try:
        return await client.until_ready(video_id, _POLL_SECONDS, patience) - sent.answered
    except NotMeasured:
        if (await client.state(video_id)).status == "processing":
            return None
        raise


async def _until_advanced(client: Client, video_id: str) -> None:
    while True:
        state = await client.state(video_id)
        if state.status == READY:
            raise NotMeasured("The video was ready before 80 % were told: the clip is too short here.")
        if (state.progress or 0) >= _SHARE:
            return
        await asyncio.sleep(_POLL_SECONDS)


KILLED: Final = (Case("e", "A worker killed at 80 % of a long encode", _run),)
