"""A server that refuses is told from one that is away, and both within seconds."""

import asyncio
import socket
from collections.abc import Awaitable
from datetime import timedelta
from uuid import uuid4

import pytest
from structlog.testing import capture_logs
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from runs.client import TemporalRuns
from runs.records import TemporalRefuses, TemporalUnavailable
from tests.runs.asked_for import a_request
from tests.waiting import eventually


async def test_a_server_that_refuses_is_told_apart_from_one_that_is_away_and_logged_once(
    temporal_client: Client,
) -> None:
    strange = await Client.connect(temporal_client.service_client.config.target_host, namespace="nobody-made-it")
    runs = TemporalRuns(strange)
    with capture_logs() as logged:
        for _ in range(3):
            with pytest.raises(TemporalRefuses, match=r"nobody-made-it.*TEMPORAL_NAMESPACE"):
                await runs.start(a_request(), "a.mp4")
    assert [entry["event"] for entry in logged] == ["temporal_refuses_runs"]
    with pytest.raises(TemporalRefuses, match="nobody-made-it"):
        await runs.check()


async def test_a_namespace_without_our_search_attributes_refuses_and_doctor_knows_how_to_mend_it(
    temporal_environment: WorkflowEnvironment,
) -> None:
    client = temporal_environment.client
    request = RegisterNamespaceRequest(namespace=f"bare-{uuid4().hex}")
    request.workflow_execution_retention_period.FromTimedelta(timedelta(days=1))
    await client.workflow_service.register_namespace(request)
    bare = TemporalRuns(await Client.connect(client.service_client.config.target_host, namespace=request.namespace))

    async def refusal() -> str:
        try:
            await bare.check()
        except TemporalUnavailable as error:
            return str(error)
        return ""

    await eventually(refusal, lambda said: "rushes doctor" in said)


async def test_a_namespace_that_is_ready_refuses_nothing(runs: TemporalRuns) -> None:
    await runs.check()


async def test_a_server_that_does_not_answer_is_said_to_be_unavailable_within_seconds() -> None:
    with socket.socket() as closed_port:
        closed_port.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed_port.getsockname()[1]}"
    runs = TemporalRuns(await Client.connect(address, lazy=True))
    calls: list[Awaitable[object]] = [
        runs.start(a_request(), "a.mp4"),
        runs.cancel("x"),
        runs.progress("x"),
        runs.steps("x"),
        runs.queues(),
        runs.server_version(),
    ]
    async with asyncio.timeout(20):
        for call in calls:
            with pytest.raises(TemporalUnavailable):
                await call
