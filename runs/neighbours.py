"""Which other workers serve our queues, and whether they keep their files where we do.

Steps of one video run on several workers and hand files to each other. A worker whose folders are others than theirs
would break videos, one step here and one there, so it must not begin. All that workers are sure to share is Temporal,
which knows each one's identity, and that says where its files are.
"""

from collections import defaultdict
from collections.abc import AsyncIterator

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.client import Client

from contracts.temporal_names import WORKER_QUEUES
from contracts.worker_identity import WorkerIdentity
from runs.pollers import living_pollers


class AnotherStorage(Exception):
    """Workers of the same queues keep their files elsewhere; the sentence names one of them, and the settings."""


async def refuse_another_storage(client: Client, storage: str, settings: str) -> None:
    """Return if every worker that serves our queues now keeps its files in the place with this identity.

    Args:
        client: Of their Temporal.
        storage: Identity of our place.
        settings: Where that is, as our settings say it, for the message.

    Raises:
        AnotherStorage: One of them does not.
        RPCError: Temporal does not tell.
    """
    async for worker in _neighbours(client):
        if worker.storage and worker.storage != storage:
            raise _keeps_its_files_elsewhere(worker, settings)


async def refuse_to_be_the_odd_one(client: Client, storage: str, settings: str) -> None:
    """The same for a worker that serves the queues already: of those that began at once none saw the others before.

    Returns if as many keep their files here as anywhere else, so that the odd one goes and not all do. Where two places
    have as many, the greater identity stays.

    Args:
        client: Of their Temporal.
        storage: Identity of our place.
        settings: Where that is, as our settings say it, for the message.

    Raises:
        AnotherStorage: More keep them elsewhere.
        RPCError: Temporal does not tell.
    """
    places: defaultdict[str, dict[tuple[str, int], WorkerIdentity]] = defaultdict(dict)
    async for worker in _neighbours(client):
        if worker.storage:
            places[worker.storage][worker.host, worker.pid] = worker
    here = (len(places.pop(storage, {})) + 1, storage)
    for place, workers in places.items():
        if (len(workers), place) > here:
            raise _keeps_its_files_elsewhere(next(iter(workers.values())), settings)


def _keeps_its_files_elsewhere(worker: WorkerIdentity, settings: str) -> AnotherStorage:
    return AnotherStorage(
        f"The worker {worker} keeps its files in another place than {settings}, so videos would break between the two. "
        "Give this one the folders or the bucket of that one: RUSHES_UPLOADS and RUSHES_SCRATCH, or RUSHES_STORAGE. If "
        "all are to change over, stop that one first."
    )


async def _neighbours(client: Client) -> AsyncIterator[WorkerIdentity]:
    for queue in WORKER_QUEUES:
        for kind in (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY):
            for poller in await living_pollers(client, queue, kind):
                yield poller.worker
