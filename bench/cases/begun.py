"""(k) From the last byte's answer to the beginning of the work."""

import time
from typing import Final

from temporalio.client import Client as TemporalClient

from bench.aims import ANSWER_TO_WORK, RUSHES
from bench.cases.model import TINY, Case, Gathered
from bench.client import Client
from bench.errors import NotMeasured
from bench.ground import Ground
from bench.systems.rushes import stack_up
from contracts.temporal_names import workflow_id

_POLL_SECONDS: Final = 0.05
_MILLI: Final = 1000


async def _run(ground: Ground, gathered: Gathered) -> None:
    tiny = await ground.clips.drawn(TINY)
    gathered.conditions += [
        "1.2 s, 320x240; one after the other, nothing else runs. From the end of the api's answer to when Temporal's "
        "history says that a worker took the run's first activity; 0 where that was before the answer.",
    ]
    async with stack_up(ground, ground.home("begun")) as run, Client(run.api) as client:
        temporal = await TemporalClient.connect(run.temporal, namespace=run.namespace)
        await client.pass_through(tiny, _POLL_SECONDS)
        waits = []
        for _ in range(ground.scale.tiny_rounds):
            video_id, sent = await client.upload(tiny)
            answered = time.time() - (time.monotonic() - sent.answered)
            await client.until_ready(video_id, _POLL_SECONDS)
            waits.append(max(0.0, await _begun(temporal, video_id) - answered) * _MILLI)
    gathered.add(RUSHES, ANSWER_TO_WORK, "ms", waits)


async def _begun(temporal: TemporalClient, video_id: str) -> float:
    """When the first activity was taken, in seconds of the clock."""
    async for event in temporal.get_workflow_handle(workflow_id(video_id)).fetch_history_events():
        if event.HasField("activity_task_started_event_attributes"):
            return event.event_time.ToNanoseconds() / 1e9
    raise NotMeasured("Temporal's history knows of no activity.")


BEGUN: Final = (Case("k", "From the answer to an upload to the first activity", _run),)
