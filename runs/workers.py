"""The workers, as they tell Temporal of themselves: with every heartbeat, which queue, how busy, what version."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import WorkerStatus
from temporalio.api.worker.v1 import WorkerHeartbeat
from temporalio.api.workflowservice.v1 import ListWorkersRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contracts.temporal_names import CONTROL_QUEUE, MEDIA_QUEUE
from contracts.webhooks import WEBHOOK_QUEUE
from contracts.worker_identity import WorkerIdentity
from runs.records import QueueState, WorkerState

WORKER_HEARTBEAT: Final = timedelta(seconds=5)
"""How often our workers tell. By default it is a minute, in which a slot is taken and free again many times."""

_LATELY: Final = timedelta(seconds=75)
"""A worker that was silent for longer is gone; one that does not use ``WORKER_HEARTBEAT`` tells every minute."""

_QUEUES: Final = {CONTROL_QUEUE, WEBHOOK_QUEUE}
_MOST: Final = 1000
_ANSWER_WITHIN: Final = timedelta(seconds=3)
_NOT_KEPT: Final = {RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED}


async def living_workers(client: Client) -> list[WorkerState] | None:
    """The workers of our queues that told of themselves lately; None where the server does not keep that.

    Raises:
        RPCError: It does not answer.
    """
    request = ListWorkersRequest(namespace=client.namespace, page_size=_MOST)
    try:
        answer = await client.workflow_service.list_workers(request, timeout=_ANSWER_WITHIN)
    except RPCError as error:
        if error.status in _NOT_KEPT:
            return None
        raise
    told = [_state(info.worker_heartbeat) for info in answer.workers_info]
    since = datetime.now(UTC) - _LATELY
    living = (worker for worker in told if worker is not None and worker.seen_at > since)
    return sorted(living, key=lambda worker: (worker.queue, worker.host, worker.process))


def serving(queue: QueueState, workers: Sequence[WorkerState] | None) -> frozenset[str]:
    """Host and process of each worker of the queue: that has told of itself lately, or asked for work."""
    told = {f"{one.host}:{one.process}" for one in workers or () if one.queue == queue.name and not one.is_stopping}
    asked = {poller: WorkerIdentity.read(poller) for poller in queue.pollers}
    return frozenset(told | {f"{one.host}:{one.pid}" if one else poller for poller, one in asked.items()})


def _state(told: WorkerHeartbeat) -> WorkerState | None:
    """None for a worker of somebody else, and for one that has ended."""
    is_ours = told.task_queue in _QUEUES or told.task_queue.startswith(MEDIA_QUEUE)
    if not is_ours or told.status == WorkerStatus.WORKER_STATUS_SHUTDOWN:
        return None
    identity = WorkerIdentity.read(told.worker_identity)
    slots = told.activity_task_slots_info
    return WorkerState(
        queue=told.task_queue,
        host=identity.host if identity is not None else told.host_info.host_name,
        process=identity.pid if identity is not None else int(told.host_info.process_id or 0),
        label=identity.label if identity is not None else "",
        version=told.deployment_version.build_id if told.deployment_version.deployment_name else "",
        busy_slots=slots.current_used_slots,
        free_slots=slots.current_available_slots,
        started_at=_when(told.start_time),
        seen_at=_when(told.heartbeat_time),
        is_stopping=told.status == WorkerStatus.WORKER_STATUS_SHUTTING_DOWN,
        sandbox=identity.sandbox if identity is not None else "",
    )


def _when(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(tzinfo=UTC)
