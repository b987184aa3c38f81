"""Who asks for the tasks of a queue now: the workers that Temporal knows of and that still live."""

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion

from contracts.worker_identity import WorkerIdentity

_LATELY: Final = timedelta(seconds=75)
"""A poll that finds no task ends after a minute. Temporal remembers whoever has asked for five."""

_ANSWER_WITHIN: Final = timedelta(seconds=5)


@dataclass(frozen=True)
class Poller:
    """A worker that asks for tasks.

    Attributes:
        worker: Which.
        version: Of which deployment, where it says so.
    """

    worker: WorkerIdentity
    version: WorkerDeploymentVersion


async def living_pollers(client: Client, queue: str, kind: TaskQueueType.ValueType) -> list[Poller]:
    """The workers other than this process that may take a task of the queue. Raises ``RPCError``."""
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind),
        timeout=_ANSWER_WITHIN,
    )
    found = []
    for poller in answer.pollers:
        worker = WorkerIdentity.read(poller.identity)
        if worker is not None and _lives(worker, poller.last_access_time.ToDatetime(UTC)):
            of = poller.deployment_options
            found.append(Poller(worker, WorkerDeploymentVersion(of.deployment_name, of.build_id)))
    return found


def _lives(worker: WorkerIdentity, asked: datetime) -> bool:
    """Whether it may still take a task; one of this machine can be looked at, and needs no guess."""
    if worker.host == socket.gethostname():
        return worker.pid != os.getpid() and Path(f"/proc/{worker.pid}").exists()
    return asked_lately(asked)


def asked_lately(asked: datetime) -> bool:
    """Whether who asked then may well ask again; one whose slots are all in use does not."""
    return datetime.now(UTC) - asked < _LATELY
