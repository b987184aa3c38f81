"""The run of a ready video publishes beside what is served, and whatever ends it, takes back only what it published."""

from collections.abc import Sequence

import pytest
from temporalio.client import Client, WorkflowFailureError

from activities.mark_error import MarkErrorInput
from activities.publish_files import WithdrawFilesInput
from activities.reprocess_video import PublishEditionInput
from contracts.errors import ErrorCode, InvalidMedia, StatusConflict, StorageFailed
from contracts.search_attributes import VIDEO_ERROR_CODE, VIDEO_STATUS
from tests.workflows.impatience import Impatient
from tests.workflows.running import failure_of, start
from tests.workflows.scripted import ScriptedActivities, always, hang_with_heartbeats, scripted_workers

ORDINARY = {"claim_video", "publish_files", "mark_ready", "mark_error", "withdraw_files"}


async def test_what_is_made_is_published_as_an_edition_of_its_attempt(
    temporal_client: Client, script: ScriptedActivities
) -> None:
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client, attempt=4, reprocess=True)
        await handle.result()
    assert (script.calls[0], script.calls[-3:]) == (
        "claim_reprocessing",
        ["publish_edition", "mark_reprocessed", "clean_scratch"],
    )
    assert not ORDINARY & set(script.calls)
    published = script.last("publish_edition")
    assert isinstance(published, PublishEditionInput)
    assert published.edition == 4
    assert (await handle.describe()).typed_search_attributes[VIDEO_STATUS] == "ready"


@pytest.mark.parametrize(
    ("step", "error", "broken", "is_served", "ending"),
    [
        ("claim_reprocessing", StatusConflict("It was deleted."), (), False, []),
        ("validate_video", InvalidMedia("no"), (), False, ["fail_reprocessing", "clean_scratch"]),
        (
            "publish_edition",
            InvalidMedia("no"),
            ("fail_reprocessing", "clean_scratch"),
            False,
            ["fail_reprocessing", "withdraw_edition", "clean_scratch"],
        ),
        (
            "mark_reprocessed",
            StatusConflict("It was deleted."),
            ("withdraw_edition",),
            False,
            ["fail_reprocessing", "withdraw_edition", "clean_scratch"],
        ),
        # Its answer was lost, and the row names what it made.
        ("mark_reprocessed", StatusConflict("It is."), (), True, ["fail_reprocessing", "clean_scratch"]),
    ],
)
async def test_each_part_of_its_ending_is_done_whatever_becomes_of_the_others(
    temporal_client: Client,
    script: ScriptedActivities,
    step: str,
    error: Exception,
    broken: Sequence[str],
    is_served: bool,
    ending: list[str],
) -> None:
    script.behaviours[step] = always(error)
    script.is_served = is_served
    for name in broken:
        script.behaviours[name] = always(StorageFailed("away for good"))
    async with scripted_workers(temporal_client, script, [Impatient(most_attempts=1)]):
        handle = await start(temporal_client, attempt=2, reprocess=True)
        await failure_of(handle)
    assert script.calls[script.calls.index(step) + 1 :] == ending
    assert not ORDINARY & set(script.calls)
    found = (await handle.describe()).typed_search_attributes
    assert found[VIDEO_STATUS] == "ready"
    assert (found.get(VIDEO_ERROR_CODE) is None) == is_served
    for withdrawn in script.requests["withdraw_edition"]:
        assert isinstance(withdrawn, WithdrawFilesInput)
        assert withdrawn.attempt == 2


async def test_a_cancel_is_told_to_the_row_and_ends_the_run(
    temporal_client: Client, script: ScriptedActivities
) -> None:
    script.behaviours["validate_video"] = hang_with_heartbeats
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client, reprocess=True)
        await script.begun("validate_video")
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
    told = script.last("fail_reprocessing")
    assert isinstance(told, MarkErrorInput)
    assert told.error_code is ErrorCode.CANCELLED
    assert script.calls[-2:] == ["fail_reprocessing", "clean_scratch"]
