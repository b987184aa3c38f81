"""A run claims its row before it does anything, and every ending is finished."""

from collections.abc import Sequence

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from contracts.errors import DatabaseUnavailable, ErrorCode, InvalidMedia, StatusConflict, StorageFailed
from contracts.search_attributes import VIDEO_ERROR_CODE, VIDEO_STATUS
from contracts.status import VideoStatus
from tests.workflows.impatience import Impatient
from tests.workflows.running import code_of, failure_of, marked_code, start
from tests.workflows.scripted import ScriptedActivities, always, first, scripted_workers


async def test_a_run_whose_row_does_not_wait_for_it_touches_nothing(
    temporal_client: Client, script: ScriptedActivities
) -> None:
    script.behaviours["claim_video"] = always(StatusConflict("The row has moved on."))
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client)
        assert await code_of(handle) == ErrorCode.STATUS_CONFLICT
    assert script.calls == ["claim_video"]


async def test_a_row_that_could_not_be_asked_in_a_week_is_told_all_the_same(
    temporal_client: Client, script: ScriptedActivities
) -> None:
    script.behaviours["claim_video"] = always(DatabaseUnavailable("away"))
    async with scripted_workers(temporal_client, script, [Impatient(most_attempts=3)]):
        assert await code_of(await start(temporal_client)) == ErrorCode.DATABASE_UNAVAILABLE
    assert script.calls == [*["claim_video"] * 3, "mark_error", "clean_scratch"]


PUBLISHED_AND_GONE = StatusConflict("The row is gone.")


@pytest.mark.parametrize(
    ("step", "error", "broken", "ending"),
    [
        ("validate_video", InvalidMedia("no"), (), ["mark_error", "clean_scratch"]),
        ("validate_video", InvalidMedia("no"), ("mark_error",), ["mark_error", "clean_scratch"]),
        ("publish_files", InvalidMedia("no"), ("mark_error",), ["mark_error", "withdraw_files", "clean_scratch"]),
        ("publish_files", InvalidMedia("no"), ("withdraw_files",), ["mark_error", "withdraw_files", "clean_scratch"]),
        (
            "publish_files",
            InvalidMedia("no"),
            ("mark_error", "withdraw_files", "clean_scratch"),
            ["mark_error", "withdraw_files", "clean_scratch"],
        ),
        ("mark_ready", PUBLISHED_AND_GONE, (), ["mark_error", "withdraw_files", "clean_scratch"]),
        ("mark_ready", PUBLISHED_AND_GONE, ("withdraw_files",), ["mark_error", "withdraw_files", "clean_scratch"]),
        # It may be ready, its answer lost: then what it names must stay where it is.
        ("mark_ready", PUBLISHED_AND_GONE, ("mark_error",), ["mark_error", "clean_scratch"]),
    ],
)
async def test_each_part_of_an_ending_is_done_whatever_becomes_of_the_others(
    temporal_client: Client,
    script: ScriptedActivities,
    step: str,
    error: Exception,
    broken: Sequence[str],
    ending: list[str],
) -> None:
    script.behaviours[step] = always(error)
    for name in broken:
        script.behaviours[name] = always(StorageFailed("away for good"))
    async with scripted_workers(temporal_client, script, [Impatient(most_attempts=1)]):
        await failure_of(await start(temporal_client))
    assert script.calls[script.calls.index(step) + 1 :] == ending


async def test_published_files_are_taken_back_however_long_the_disk_is_away(
    time_skipping: WorkflowEnvironment, script: ScriptedActivities
) -> None:
    """Of a day, at a pause of five minutes at the most."""
    script.behaviours["mark_ready"] = always(StatusConflict("The row is gone."))
    script.behaviours["withdraw_files"] = first(280, StorageFailed("the share is away"))
    script.row_status = None
    begun = await time_skipping.get_current_time()
    async with scripted_workers(time_skipping.client, script):
        await failure_of(await start(time_skipping.client))
    assert (await time_skipping.get_current_time() - begun).total_seconds() > 80_000
    assert script.calls.count("withdraw_files") == 281
    assert script.calls[-1] == "clean_scratch"


async def test_mark_error_outlasts_a_database_that_is_down_for_an_hour(
    time_skipping: WorkflowEnvironment, script: ScriptedActivities
) -> None:
    script.behaviours["validate_video"] = always(InvalidMedia("not a video"))
    script.behaviours["mark_error"] = first(65, DatabaseUnavailable("away"))
    async with scripted_workers(time_skipping.client, script):
        await failure_of(await start(time_skipping.client))
    assert script.calls.count("mark_error") == 66
    assert script.calls[-1] == "clean_scratch"


async def test_a_row_that_is_ready_after_all_keeps_its_files_and_the_run_says_so(
    temporal_client: Client, script: ScriptedActivities
) -> None:
    script.behaviours["mark_ready"] = always(StatusConflict("lost answer"))
    script.row_status = VideoStatus.READY
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client)
        await failure_of(handle)
    assert "withdraw_files" not in script.calls
    assert marked_code(script) is ErrorCode.STATUS_CONFLICT
    found = (await handle.describe()).typed_search_attributes
    assert found[VIDEO_STATUS] == "ready"
    assert found.get(VIDEO_ERROR_CODE) is None


async def test_scratch_that_cannot_be_cleaned_does_not_change_the_fate_of_a_ready_video(
    time_skipping: WorkflowEnvironment, script: ScriptedActivities
) -> None:
    script.behaviours["clean_scratch"] = always(StorageFailed("busy"))
    async with scripted_workers(time_skipping.client, script):
        await (await start(time_skipping.client)).result()
    assert "mark_error" not in script.calls
