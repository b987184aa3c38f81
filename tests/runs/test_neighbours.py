"""A worker that would keep files elsewhere than the others is found out before it takes a task."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from contracts.temporal_names import MEDIA_QUEUE
from contracts.worker_identity import WorkerIdentity
from runs.client import TemporalRuns
from runs.neighbours import AnotherStorage, refuse_another_storage, refuse_to_be_the_odd_one
from tests.waiting import eventually

HERE = WorkerIdentity.of_this_process(MEDIA_QUEUE, storage="0123abcd")
ELSEWHERE = replace(HERE, host="another-host", label="gpu-1")


@activity.defn
async def idle() -> None:
    """Nothing is asked of it."""


@asynccontextmanager
async def polling(client: Client, identity: str) -> AsyncIterator[None]:
    """A worker with this identity, which Temporal has seen."""

    async def pollers() -> list[str]:
        return [poller for queue in await TemporalRuns(client).queues() for poller in queue.pollers]

    own = await Client.connect(client.service_client.config.target_host, namespace=client.namespace)
    async with Worker(own, task_queue=MEDIA_QUEUE, activities=[idle], identity=identity):
        await eventually(pollers, lambda found: identity in found)
        yield


async def test_another_place_than_a_neighbours_is_refused_and_both_are_named(own_namespace: Client) -> None:
    async with polling(own_namespace, str(ELSEWHERE)):
        await refuse_another_storage(own_namespace, "0123abcd", "/uploads and /scratch")
        with pytest.raises(AnotherStorage) as refused:
            await refuse_another_storage(own_namespace, "ffffffff", "/uploads and /scratch")
    assert f"The worker {ELSEWHERE} keeps its files in another place than /uploads and /scratch" in str(refused.value)
    assert "RUSHES_SCRATCH" in str(refused.value)


async def test_of_workers_that_began_at_once_those_give_way_that_are_fewer(own_namespace: Client) -> None:
    others = [replace(ELSEWHERE, pid=number) for number in (1, 2)]
    alike = replace(ELSEWHERE, pid=3, storage="ffffffff")
    async with polling(own_namespace, str(others[0])):
        await refuse_to_be_the_odd_one(own_namespace, "ffffffff", "here")
        with pytest.raises(AnotherStorage, match="another place than here"):
            await refuse_to_be_the_odd_one(own_namespace, "00000000", "here")
        async with polling(own_namespace, str(others[1])):
            with pytest.raises(AnotherStorage):
                await refuse_to_be_the_odd_one(own_namespace, "ffffffff", "here")
            async with polling(own_namespace, str(alike)):
                await refuse_to_be_the_odd_one(own_namespace, "ffffffff", "here")


async def test_a_worker_of_this_machine_that_has_died_is_no_neighbour(own_namespace: Client) -> None:
    died = await asyncio.create_subprocess_exec("true")
    await died.wait()
    async with polling(own_namespace, str(replace(HERE, pid=died.pid))):
        await refuse_another_storage(own_namespace, "ffffffff", "here")


async def test_a_worker_of_this_machine_that_lives_is_one(own_namespace: Client) -> None:
    async with polling(own_namespace, str(replace(HERE, pid=os.getppid()))):
        with pytest.raises(AnotherStorage):
            await refuse_another_storage(own_namespace, "ffffffff", "here")


async def test_a_worker_that_is_not_ours_says_nothing_of_files(own_namespace: Client) -> None:
    async with polling(own_namespace, "1234@somebody"):
        await refuse_another_storage(own_namespace, "ffffffff", "here")


@pytest.mark.parametrize(
    "identity",
    [
        *(HERE, ELSEWHERE, WorkerIdentity("q", "h", 1), WorkerIdentity("q", "h", 1, "l")),
        *(WorkerIdentity("q", "h", 1, sandbox="landlock"), WorkerIdentity("q", "h", 1, "l", "ab12", "limits")),
    ],
)
def test_an_identity_is_read_as_it_was_written(identity: WorkerIdentity) -> None:
    assert WorkerIdentity.read(str(identity)) == identity


def test_an_identity_names_queue_host_process_label_place_and_sandbox() -> None:
    identity = WorkerIdentity("video-media", "m1", 7, "gpu", "ab12", "bubblewrap")
    assert str(identity) == "video-media@m1:7 gpu storage=ab12 sandbox=bubblewrap"
