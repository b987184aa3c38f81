"""A run of a user with a limit of minutes counts them beside its other steps, and ends where there are none left."""

from temporalio.client import Client

from activities.count_minutes import CountMinutesInput
from contracts.errors import ErrorCode, LimitExceeded
from tests.workflows.plans import encoded_plan
from tests.workflows.running import code_of, marked_code, start
from tests.workflows.scripted import ScriptedActivities, always, hang_with_heartbeats, scripted_workers


async def test_the_length_that_was_planned_is_counted(temporal_client: Client, script: ScriptedActivities) -> None:
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client, minutes_count=True)
        await handle.result()
        await (await start(temporal_client)).result()
    length = encoded_plan().duration_seconds
    assert script.last("count_minutes") == CountMinutesInput(handle.id.removeprefix("video-"), 3, length)
    assert script.calls.count("count_minutes") == 1, "a run without a limit asks nobody"


async def test_a_day_that_is_used_up_ends_the_run_in_the_midst_of_its_encode(
    temporal_client: Client, script: ScriptedActivities
) -> None:
    script.behaviours["encode_chunk"] = hang_with_heartbeats
    script.behaviours["count_minutes"] = always(LimitExceeded("2 minutes were made."))
    async with scripted_workers(temporal_client, script):
        assert await code_of(await start(temporal_client, minutes_count=True)) == ErrorCode.LIMIT_EXCEEDED
    assert marked_code(script) is ErrorCode.LIMIT_EXCEEDED
    assert "publish_files" not in script.calls
