"""The api and a real Temporal server: what HTTP asks for is what happens there. No worker runs."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from api.options import ApiOptions
from api.services import Services
from contracts.temporal_names import workflow_id
from runs.client import TemporalRuns
from tests.api.running import in_process

UPLOAD = "/api/v1/videos/upload"


@pytest.fixture
async def real(services: Services, options: ApiOptions, temporal_client: Client) -> AsyncIterator[httpx.AsyncClient]:
    async with in_process(replace(services, runs=TemporalRuns(temporal_client)), options) as client:
        yield client


@pytest.fixture
async def video(real: httpx.AsyncClient, temporal_client: Client) -> AsyncIterator[str]:
    """Address of a video whose workflow waits for a worker; its run is gone after the test."""
    answer = await real.post(UPLOAD, files={"file": ("Ficus.mp4", b"x")})
    assert answer.status_code == 202
    yield answer.headers["location"]
    handle = temporal_client.get_workflow_handle(workflow_id(answer.json()["video_id"]))
    if (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:
        await handle.terminate()


async def test_an_upload_starts_one_workflow_named_after_the_video(
    real: httpx.AsyncClient, video: str, temporal_client: Client
) -> None:
    read = (await real.get(video)).json()
    description = await temporal_client.get_workflow_handle(read["workflow_id"]).describe()
    assert description.status is WorkflowExecutionStatus.RUNNING
    assert read["status"] == "processing"


async def test_a_cancel_reaches_the_workflow(real: httpx.AsyncClient, video: str, temporal_client: Client) -> None:
    answer = await real.post(f"{video}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "processing")
    history = await temporal_client.get_workflow_handle(f"video-{answer.json()['video_id']}").fetch_history()
    assert any(event.HasField("workflow_execution_cancel_requested_event_attributes") for event in history.events)


async def test_a_run_without_a_worker_has_no_steps_yet(real: httpx.AsyncClient, video: str) -> None:
    answer = await real.get(f"{video}/steps")
    assert (answer.status_code, answer.json()["steps"]) == (200, [])


async def test_the_system_tells_the_servers_version_and_queues(real: httpx.AsyncClient, video: str) -> None:
    assert video
    system = (await real.get("/api/v1/system")).json()
    assert system["versions"]["temporal"]
    assert [queue["name"] for queue in system["queues"]] == ["video-control", "video-media", "webhooks"]
    assert system["temporal"]["reachable"] is True
    assert (await real.get("/readyz")).json()["status"] == "ready"


async def test_a_cancelled_video_whose_run_was_terminated_is_retried_with_a_new_run(
    real: httpx.AsyncClient, video: str, temporal_client: Client
) -> None:
    read = (await real.get(video)).json()
    handle = temporal_client.get_workflow_handle(read["workflow_id"])
    first_run = (await handle.describe()).run_id
    await handle.terminate()
    assert (await real.post(f"{video}/cancel")).json()["status"] == "error"
    assert (await real.post(f"{video}/retry")).json()["status"] == "processing"
    description = await handle.describe()
    assert description.run_id != first_run
    assert description.status is WorkflowExecutionStatus.RUNNING
