"""Whose turn it is: short before long, looking before encoding, user after user. With one slot, so that order shows."""

import asyncio
import itertools
from collections.abc import Sequence

from temporalio.client import Client

from tests.waiting import eventually
from tests.workflows.plans import encoded_plan
from tests.workflows.running import Handle, start
from tests.workflows.scripted import ScriptedActivities, control_worker, media_worker
from workflows.activity_options import CHUNKS_AT_ONCE

FILMS = 3
CHUNK_TAKES_SECONDS = 0.03


async def asked_for(handle: Handle) -> list[str]:
    """Ids of the activities that the run has asked for."""
    events = (await handle.fetch_history()).events
    found = [event.activity_task_scheduled_event_attributes.activity_id for event in events]
    return [activity_id for activity_id in found if activity_id]


async def behind_films(client: Client, script: ScriptedActivities, *, chunks: int, user_id: str) -> Sequence[str]:
    """Make a later video of so many chunks, when 45 of an earlier user's wait for the one slot already.

    Returns:
        What was called since the later one could be looked at, in order, until it was ready.
    """

    async def encode(_call: int) -> None:
        if script.calls.count("validate_video") == FILMS:
            await script.begun("the later one waits")
        await asyncio.sleep(CHUNK_TAKES_SECONDS)

    script.behaviours["encode_chunk"] = encode
    script.plan = encoded_plan(CHUNKS_AT_ONCE)
    last = f"chunk-{CHUNKS_AT_ONCE}-of-{CHUNKS_AT_ONCE}"
    async with control_worker(client, script):
        films = [await start(client, user_id="first") for _ in range(FILMS)]
        async with media_worker(client, script, slots=1):
            for film in films:
                await eventually(lambda film=film: asked_for(film), lambda asked: last in asked)  # type: ignore[misc]
            script.plan = encoded_plan(chunks)
            begun = len(script.calls)
            video = await start(client, user_id=user_id)
            await eventually(lambda: asked_for(video), lambda asked: "validate" in asked)
            script.release("the later one waits")
            await video.result()
            called = script.calls[begun : script.calls.index("mark_ready", begun)]
            await asyncio.gather(*(film.result() for film in films))
    return [call for call in called if call != "claim_video"]


def of_the_films(calls: Sequence[str]) -> int:
    """How many chunks of the films there are among the calls."""
    return len([call for call in calls if call.endswith(f"-of-{CHUNKS_AT_ONCE}")])


async def test_a_new_upload_is_looked_at_next_and_a_short_one_is_made_before_the_films_go_on(
    temporal_client: Client,
) -> None:
    called = await behind_films(temporal_client, ScriptedActivities(), chunks=1, user_id="first")
    assert of_the_films(called[: called.index("validate_video")]) <= 2
    assert of_the_films(called) <= 20, called


async def test_a_later_user_s_chunks_take_turns_with_those_of_an_earlier_one(temporal_client: Client) -> None:
    called = await behind_films(temporal_client, ScriptedActivities(), chunks=10, user_id="second")
    ours = [place for place, call in enumerate(called) if call.endswith("-of-10")]
    assert len(ours) == 10
    assert max(later - earlier for earlier, later in itertools.pairwise(ours)) <= 4, called
    assert of_the_films(called[: ours[-1]]) <= 22, called
