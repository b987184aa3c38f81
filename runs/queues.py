"""How much waits in each of our task queues, and who asks for it."""

import asyncio
from datetime import UTC

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from contracts.temporal_names import START_TIMEOUT, TASK_QUEUES
from runs.answers import unavailable_if_silent
from runs.pollers import asked_lately
from runs.records import QueueState


async def state_of_queues(client: Client) -> list[QueueState]:
    """Backlog and pollers of each, in the order of ``TASK_QUEUES``.

    Raises:
        TemporalUnavailable: The server does not answer within a few seconds.
    """
    return list(await asyncio.gather(*(_state(client, name) for name in TASK_QUEUES)))


async def _state(client: Client, name: str) -> QueueState:
    backlog, age_seconds = 0, 0.0
    pollers: dict[str, None] = {}
    for kind in (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY):
        async with unavailable_if_silent():
            answer = await client.workflow_service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=client.namespace,
                    task_queue=TaskQueue(name=name),
                    task_queue_type=kind,
                    report_stats=True,
                ),
                timeout=START_TIMEOUT,
            )
        backlog += answer.stats.approximate_backlog_count
        if answer.stats.approximate_backlog_count:
            age_seconds = max(age_seconds, answer.stats.approximate_backlog_age.ToTimedelta().total_seconds())
        asking = (poller for poller in answer.pollers if asked_lately(poller.last_access_time.ToDatetime(tzinfo=UTC)))
        pollers |= dict.fromkeys(poller.identity for poller in asking)
    return QueueState(name, backlog, tuple(pollers), round(age_seconds, 1))
