"""Whether a part of the stack does its work: each function looks once and says what is missing."""

from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import psycopg
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from contracts.temporal_names import CONTROL_QUEUE, MEDIA_QUEUE
from contracts.webhooks import WEBHOOK_QUEUE
from embedded.postgres import EmbeddedPostgres, EmbeddedPostgresError

_LOOK_SECONDS: Final = 2.0
_LOOK: Final = timedelta(seconds=_LOOK_SECONDS)
_KIND_OF_QUEUE: Final = {
    CONTROL_QUEUE: TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    MEDIA_QUEUE: TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    WEBHOOK_QUEUE: TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
}


async def postgres_answers(postgres: EmbeddedPostgres, port: int) -> str | None:
    """Look whether the server takes connections, and make the service's database if so."""
    try:
        await postgres.wait_until_ready(port, timeout_seconds=_LOOK_SECONDS)
        await postgres.ensure_database(port)
    except (EmbeddedPostgresError, psycopg.Error) as error:
        return str(error)
    return None


async def temporal_answers(address: str, namespace: str) -> str | None:
    """Look whether the server is up and the namespace is there."""
    try:
        client = await Client.connect(address, namespace=namespace)
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace), timeout=_LOOK)
    except (RuntimeError, RPCError) as error:
        return f"Temporal does not answer at {address} yet ({error})."
    return None


async def api_is_ready(api_url: str) -> str | None:
    """Look at ``/readyz``, which answers once database and Temporal can be reached."""
    try:
        async with httpx.AsyncClient(timeout=_LOOK_SECONDS, trust_env=False) as client:
            answer = await client.get(f"{api_url}/readyz")
    except httpx.HTTPError as error:
        return f"nothing answers at {api_url}/readyz ({type(error).__name__})."
    return None if answer.is_success else f"{api_url}/readyz answers {answer.status_code}: {answer.text[:300]}"


async def worker_polls(client: Client, since: datetime) -> str | None:
    """Look whether somebody has asked every task queue for work since then."""
    for queue, kind in _KIND_OF_QUEUE.items():
        request = DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
        )
        try:
            answer = await client.workflow_service.describe_task_queue(request, timeout=_LOOK)
        except RPCError as error:
            return f"Temporal does not describe the task queue {queue} ({error.message})."
        if not any(_moment(poller.last_access_time) >= since for poller in answer.pollers):
            return f"no worker polls the task queue {queue} yet."
    return None


def _moment(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
