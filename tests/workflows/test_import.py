"""A run that fetches its original first: after the claim, before anything else, and patient with its source."""

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.clean_scratch import CleanScratchInput
from activities.fetch_original import FetchOriginalInput
from contracts.errors import AddressRefused, ErrorCode, LimitExceeded, SourceFailed, SourceNotFound, SourceTooSlow
from tests.workflows.running import code_of, failure_of, marked_code, start
from tests.workflows.scripted import ScriptedActivities, always, first, hang_with_heartbeats, scripted_workers
from workflows.activity_options import MOST_FETCH_FAILURES, pause_after


async def test_the_original_is_fetched_after_the_claim_and_before_anything_else(
    temporal_client: Client, script: ScriptedActivities
) -> None:
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client, imported=True)
        await handle.result()
    assert script.calls[:3] == ["claim_video", "fetch_original", "validate_video"]
    assert script.last("fetch_original") == FetchOriginalInput(handle.id.removeprefix("video-"), attempt=3)


async def test_a_source_that_fails_for_eight_minutes_is_outlasted(
    time_skipping: WorkflowEnvironment, script: ScriptedActivities
) -> None:
    script.behaviours["fetch_original"] = first(MOST_FETCH_FAILURES - 1, SourceFailed("It is away."))
    async with scripted_workers(time_skipping.client, script):
        await (await start(time_skipping.client, imported=True)).result()
    assert script.calls.count("fetch_original") == MOST_FETCH_FAILURES
    pauses = sum(pause_after(failures).total_seconds() for failures in range(1, MOST_FETCH_FAILURES))
    assert 8 * 60 < pauses < 9 * 60


async def test_a_source_that_never_comes_back_ends_the_run_with_its_code(
    time_skipping: WorkflowEnvironment, script: ScriptedActivities
) -> None:
    script.behaviours["fetch_original"] = always(SourceFailed("It is away."))
    async with scripted_workers(time_skipping.client, script):
        assert await code_of(await start(time_skipping.client, imported=True)) == ErrorCode.SOURCE_FAILED
    assert script.calls.count("fetch_original") == MOST_FETCH_FAILURES
    assert marked_code(script) is ErrorCode.SOURCE_FAILED
    assert unwanted_original(script) is None, "a retry goes on with what is kept"


@pytest.mark.parametrize("error", [AddressRefused, SourceNotFound, SourceTooSlow, LimitExceeded])
async def test_what_can_t_pass_is_not_asked_again(
    temporal_client: Client,
    script: ScriptedActivities,
    error: type[AddressRefused | SourceNotFound | SourceTooSlow | LimitExceeded],
) -> None:
    script.behaviours["fetch_original"] = always(error("No."))
    async with scripted_workers(temporal_client, script):
        assert await code_of(await start(temporal_client, imported=True)) == error.code
    assert script.calls == ["claim_video", "fetch_original", "mark_error", "clean_scratch"]
    assert marked_code(script) is error.code


async def test_a_cancel_stops_the_fetch_and_ends_as_cancelled(
    temporal_client: Client, script: ScriptedActivities
) -> None:
    script.behaviours["fetch_original"] = hang_with_heartbeats
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client, imported=True)
        await script.begun("fetch_original")
        await handle.cancel()
        await failure_of(handle)
    assert script.ended[:2] == ["claim_video", "fetch_original"]
    assert marked_code(script) is ErrorCode.CANCELLED
    assert unwanted_original(script) == f"originals/{handle.id.removeprefix('video-')}.mp4", "of an earlier try, too"


def unwanted_original(script: ScriptedActivities) -> str | None:
    """What the end of the run removes beside scratch."""
    request = script.last("clean_scratch")
    assert isinstance(request, CleanScratchInput)
    return request.unwanted_original
