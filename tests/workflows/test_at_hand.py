"""A step is asked of the worker that has its files at hand, and of any other where that one does not answer."""

import pytest
from temporalio.client import Client

from contracts.errors import OutputMismatch, StorageFailed, VideoError
from contracts.temporal_names import MEDIA_QUEUE, new_own_queue
from tests.workflows.impatience import Impatient
from tests.workflows.plans import copied_plan, encoded_plan
from tests.workflows.running import start
from tests.workflows.scripted import ScriptedActivities, always, first, hang_silently, own_worker, scripted_workers

OWN = new_own_queue()
OTHER = new_own_queue()


async def test_who_read_all_of_a_copied_video_joins_it_and_who_joined_it_verifies_it(temporal_client: Client) -> None:
    script = ScriptedActivities(copied_plan())
    script.at_hand = {"validate_video": OWN, "join_streams": OTHER}
    async with (
        scripted_workers(temporal_client, script),
        own_worker(temporal_client, script, OWN),
        own_worker(temporal_client, script, OTHER),
    ):
        await (await start(temporal_client)).result()
    assert (script.places["join_streams"], script.places["verify_output"]) == ([OWN], [OTHER])


async def test_who_made_most_of_the_chunks_joins_them(temporal_client: Client) -> None:
    script = ScriptedActivities(encoded_plan(chunks=3))
    script.at_hand = {"chunk-1-of-3": OTHER, "chunk-2-of-3": OWN, "chunk-3-of-3": OWN}
    async with scripted_workers(temporal_client, script), own_worker(temporal_client, script, OWN):
        await (await start(temporal_client)).result()
    assert script.places["join_streams"] == [OWN]


async def test_a_worker_that_is_gone_is_not_waited_for(temporal_client: Client) -> None:
    script = ScriptedActivities()
    script.at_hand = {"join_streams": OWN}
    async with scripted_workers(temporal_client, script, [Impatient()]):
        await (await start(temporal_client)).result()
    assert script.places["verify_output"] == [MEDIA_QUEUE]


async def test_a_worker_that_falls_silent_is_left_for_another(temporal_client: Client) -> None:
    script = ScriptedActivities()
    script.at_hand = {"join_streams": OWN}
    silent = ScriptedActivities()
    silent.behaviours["verify_output"] = hang_silently
    async with scripted_workers(temporal_client, script, [Impatient()]), own_worker(temporal_client, silent, OWN):
        await (await start(temporal_client)).result()
    assert (silent.calls, script.places["verify_output"]) == (["verify_output"], [MEDIA_QUEUE])


@pytest.mark.parametrize(
    ("error", "places"),
    [(StorageFailed("its disk is away"), [OWN, MEDIA_QUEUE]), (OutputMismatch("not as planned"), [OWN, OWN])],
    ids=lambda value: value.code if isinstance(value, VideoError) else "",
)
async def test_a_disk_that_is_away_is_another_workers_turn_and_a_bad_output_is_made_anew(
    temporal_client: Client, error: VideoError, places: list[str]
) -> None:
    script = ScriptedActivities()
    script.at_hand = {"join_streams": OWN}
    script.behaviours["verify_output"] = first(1, error)
    async with scripted_workers(temporal_client, script), own_worker(temporal_client, script, OWN):
        await (await start(temporal_client)).result()
    assert script.places["verify_output"] == places


async def test_what_fails_for_good_where_it_is_at_hand_counts_as_a_failure(temporal_client: Client) -> None:
    script = ScriptedActivities(copied_plan())
    script.at_hand = {"validate_video": OWN}
    script.behaviours["verify_output"] = always(OutputMismatch("not as planned"))
    async with scripted_workers(temporal_client, script), own_worker(temporal_client, script, OWN):
        with pytest.raises(Exception, match="Workflow execution failed"):
            await (await start(temporal_client)).result()
    assert len(script.places["verify_output"]) == 3, "once for each making"
