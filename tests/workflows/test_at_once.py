"""What happens to a run twice before its worker looks is told by its end, and nothing of it is left as an error."""

import gc
import logging

import pytest
from temporalio.client import Client
from temporalio.exceptions import ActivityError, CancelledError

from contracts.errors import InvalidMedia
from tests.waiting import eventually
from tests.workflows.plans import encoded_plan
from tests.workflows.running import Handle, failure_of, start
from tests.workflows.scripted import ScriptedActivities, control_worker, media_worker

CHUNKS = ("chunk-1-of-2", "chunk-2-of-2")


async def failures_of(handle: Handle) -> int:
    history = await handle.fetch_history()
    return sum(event.HasField("activity_task_failed_event_attributes") for event in history.events)


@pytest.mark.parametrize(("is_cancelled", "ends_in"), [(False, ActivityError), (True, CancelledError)])
async def test_steps_that_fail_at_once_and_a_cancel_with_them_are_no_error_that_nobody_asked_for(
    temporal_client: Client, caplog: pytest.LogCaptureFixture, *, is_cancelled: bool, ends_in: type[Exception]
) -> None:
    script = ScriptedActivities(encoded_plan(len(CHUNKS)))

    async def fail_unseen(_call: int) -> None:
        await script.begun("nobody looks")
        raise InvalidMedia("no")

    script.behaviours |= dict.fromkeys(CHUNKS, fail_unseen)
    async with media_worker(temporal_client, script):
        async with control_worker(temporal_client, script):
            handle = await start(temporal_client)
            for chunk in CHUNKS:
                await script.begun(chunk)
        script.release("nobody looks")
        await eventually(lambda: failures_of(handle), lambda failures: failures == len(CHUNKS))
        if is_cancelled:
            await handle.cancel()
        async with control_worker(temporal_client, script):
            assert isinstance(await failure_of(handle), ends_in)
        gc.collect()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
