"""deploy/worker_health.py, asked as the container asks it, against a real Temporal server."""

import asyncio
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import timedelta

from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from contracts.temporal_names import CONTROL_QUEUE
from contracts.worker_identity import WorkerIdentity
from tests.deploy.files import ROOT
from tests.deploy.idle_workflow import Idle

THIS = str(WorkerIdentity.of_this_process(CONTROL_QUEUE))
SCRIPT = ROOT / "deploy" / "worker_health.py"


async def client_of_a_new_namespace(temporal_client: Client) -> Client:
    """A namespace of the test's own, because the queue's name is fixed and other tests' workers poll it."""
    request = RegisterNamespaceRequest(namespace=f"health-{uuid.uuid4().hex}")
    request.workflow_execution_retention_period.FromTimedelta(timedelta(days=1))
    await temporal_client.workflow_service.register_namespace(request)
    client = await Client.connect(
        temporal_client.service_client.config.target_host, namespace=request.namespace, identity="test"
    )
    async with asyncio.timeout(30):
        while True:
            try:
                await client.count_workflows()
            except RPCError:
                await asyncio.sleep(0.1)
            else:
                return client


async def ask(address: str, namespace: str = "default") -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(SCRIPT)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"TEMPORAL_ADDRESS": address, "TEMPORAL_NAMESPACE": namespace},
    )


async def ask_until(
    client: Client, enough: Callable[[subprocess.CompletedProcess[str]], bool]
) -> subprocess.CompletedProcess[str]:
    """Ask again and again: a worker's first poll is on the way when it has only just started."""
    async with asyncio.timeout(60):
        while True:
            answer = await ask(client.service_client.config.target_host, client.namespace)
            if enough(answer):
                return answer


async def test_a_worker_that_asks_for_tasks_is_healthy(temporal_client: Client) -> None:
    client = await client_of_a_new_namespace(temporal_client)
    async with Worker(client, task_queue=CONTROL_QUEUE, workflows=[Idle], identity=THIS):
        answer = await ask_until(client, lambda answer: answer.returncode == 0)
    assert answer.stderr == ""


async def test_a_host_that_asks_for_nothing_is_not_and_is_told_who_does(temporal_client: Client) -> None:
    client = await client_of_a_new_namespace(temporal_client)
    elsewhere = f"{CONTROL_QUEUE}@another-host:1"
    async with Worker(client, task_queue=CONTROL_QUEUE, workflows=[Idle], identity=elsewhere):
        answer = await ask_until(client, lambda answer: elsewhere in answer.stderr)
    assert answer.returncode == 1
    assert f"No worker of {socket.gethostname()} has asked" in answer.stderr


async def test_without_temporal_a_worker_is_not_healthy() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        answer = await ask(address)
    assert answer.returncode == 1
    assert f"Temporal does not answer at {address}" in answer.stderr
