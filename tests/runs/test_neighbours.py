"""A worker that would keep files elsewhere than the others is found out before it takes a task."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from temporalio import activity
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from contracts.temporal_names import MEDIA_QUEUE
from contracts.worker_identity import WorkerIdentity
from runs.client import TemporalRuns
from runs.neighbours import AnotherStorage, refuse_another_storage
from tests.waiting import eventually

HERE = WorkerIdentity.of_this_process(MEDIA_QUEUE, storage="0123abcd")
ELSEWHERE = replace(HERE, host="another-host", label="gpu-1")


@activity.defn
async def idle() -> None:
    """Nothing is asked of it."""


@pytest.fixture
async def client(temporal_client: Client) -> Client:
    """Of a namespace of the test's own, because the queues' names are fixed and other tests' workers poll them."""
    request = RegisterNamespaceRequest(namespace=f"neighbours-{uuid.uuid4().hex}")
    request.workflow_execution_retention_period.FromSeconds(86400)
    await temporal_client.workflow_service.register_namespace(request)
    own = await Client.connect(temporal_client.service_client.config.target_host, namespace=request.namespace)

    async def is_known() -> bool:
        try:
            await own.count_workflows()
        except RPCError:
            return False
        return True

    await eventually(is_known, bool)
    return own


@asynccontextmanager
async def polling(client: Client, identity: str) -> AsyncIterator[None]:
    """A worker with this identity, which Temporal has seen."""

    async def pollers() -> list[str]:
        return [poller for queue in await TemporalRuns(client).queues() for poller in queue.pollers]

    async with Worker(client, task_queue=MEDIA_QUEUE, activities=[idle], identity=identity):
        await eventually(pollers, lambda found: identity in found)
        yield


async def test_another_place_than_a_neighbours_is_refused_and_both_are_named(client: Client) -> None:
    async with polling(client, str(ELSEWHERE)):
        await refuse_another_storage(client, "0123abcd", "/uploads and /scratch")
        with pytest.raises(AnotherStorage) as refused:
            await refuse_another_storage(client, "ffffffff", "/uploads and /scratch")
    assert f"The worker {ELSEWHERE} keeps its files in another place than /uploads and /scratch" in str(refused.value)
    assert "RUSHES_SCRATCH" in str(refused.value)


async def test_a_worker_of_this_machine_that_has_died_is_no_neighbour(client: Client) -> None:
    died = await asyncio.create_subprocess_exec("true")
    await died.wait()
    async with polling(client, str(replace(HERE, pid=died.pid))):
        await refuse_another_storage(client, "ffffffff", "here")


async def test_a_worker_of_this_machine_that_lives_is_one(client: Client) -> None:
    async with polling(client, str(replace(HERE, pid=os.getppid()))):
        with pytest.raises(AnotherStorage):
            await refuse_another_storage(client, "ffffffff", "here")


async def test_a_worker_that_is_not_ours_says_nothing_of_files(client: Client) -> None:
    async with polling(client, "1234@somebody"):
        await refuse_another_storage(client, "ffffffff", "here")


@pytest.mark.parametrize("identity", [HERE, ELSEWHERE, WorkerIdentity("q", "h", 1), WorkerIdentity("q", "h", 1, "l")])
def test_an_identity_is_read_as_it_was_written(identity: WorkerIdentity) -> None:
    assert WorkerIdentity.read(str(identity)) == identity


def test_an_identity_names_queue_host_process_label_and_place() -> None:
    assert str(WorkerIdentity("video-media", "m1", 7, "gpu", "ab12")) == "video-media@m1:7 gpu storage=ab12"
