"""Health check of a worker container: succeeds if Temporal has lately been asked for workflow tasks from this host.

A worker listens on no port, and that its process exists says little. What it is for is to take tasks, and Temporal
knows who asks: a worker that is stuck, cut off or misconfigured stops asking. The workflow side of ``video-control``
is looked at because it never runs out of slots. ``video-media`` is not asked for more while ffmpeg fills every slot, so
of a worker that serves it alone (``--queue video-media``) only this is looked at: does Temporal answer from here?
"""

import argparse
import asyncio
import os
import socket
import sys
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.service import RPCError

from contracts.temporal_names import CONTROL_QUEUE, WORKER_QUEUES
from temporal_client import address_and_namespace, connect

_LATELY: Final = timedelta(seconds=150)
"""A poll that finds no task ends after a minute and is followed by the next one; two and a half is overdue."""

_ANSWER_WITHIN: Final = timedelta(seconds=5)


async def pollers() -> list[PollerInfo]:
    """Who has asked for workflow tasks of ``video-control`` in the last minutes.

    Raises:
        RPCError: Temporal refuses to say.
        RuntimeError: Temporal does not answer.
    """
    client = await connect()
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=CONTROL_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        ),
        timeout=_ANSWER_WITHIN,
    )
    return list(answer.pollers)


def asked_lately(poller: PollerInfo, host: str, now: datetime) -> bool:
    """Whether the poller is a worker of ``host`` that is not overdue; ``worker.identity`` names the host."""
    return f"@{host}:" in poller.identity and now - poller.last_access_time.ToDatetime(UTC) < _LATELY


def complaint(queue: str = CONTROL_QUEUE) -> str | None:
    """What is wrong with the worker of this host, which serves the queue, as a sentence; None for a healthy one."""
    host = socket.gethostname()
    try:
        found = asyncio.run(pollers())
    except (RuntimeError, RPCError) as error:
        return f"Temporal does not answer at {address_and_namespace()[0]}: {error}"
    now = datetime.now(UTC)
    if queue != CONTROL_QUEUE or any(asked_lately(poller, host, now) for poller in found):
        return None
    others = ", ".join(poller.identity for poller in found) or "nobody"
    return f"No worker of {host} has asked for tasks of {CONTROL_QUEUE} lately; who has: {others}"


def main() -> NoReturn:
    """Exit with 0 for a healthy worker, else with 1 and a sentence on standard error."""
    parser = argparse.ArgumentParser(prog="worker_health.py")
    parser.add_argument("--queue", choices=WORKER_QUEUES, default=CONTROL_QUEUE)
    wrong = complaint(parser.parse_args().queue)
    if wrong:
        sys.stderr.write(f"{wrong}\n")
        sys.stderr.flush()
    # Not sys.exit: the threads of Temporal's client still call into Python while it shuts down, and then now and again
    # the process aborts. A check may not fail at random.
    os._exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
