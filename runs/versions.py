"""Versions of the workers, as Temporal's worker versioning has them.

Each run of a video stays with the version that began it, and new ones go to the one that is current. So a version is
made current when its workers are there, and the workers of the one before stay until none of these runs is open. What
may wait for days (deliveries, cohorts, deletions) goes over to the current version at its next step.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from google.protobuf.field_mask_pb2 import FieldMask
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.workflow.v1 import VersioningOverride, WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    DescribeWorkerDeploymentResponse,
    SetWorkerDeploymentCurrentVersionRequest,
    UpdateWorkflowExecutionOptionsRequest,
)
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode

from contracts.cohorts import VIDEO_COHORT_WORKFLOW
from contracts.temporal_names import CONTROL_QUEUE, MEDIA_QUEUE, VIDEO_DELETION_WORKFLOW
from contracts.webhooks import WEBHOOK_QUEUE
from runs.pollers import living_pollers

_ASKED: Final = (
    (CONTROL_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
    (CONTROL_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
    (MEDIA_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
    (WEBHOOK_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
)
"""What the workers of a version ask for together."""

_NOT_YET: Final = {RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION}
_ANSWER_WITHIN: Final = timedelta(seconds=10)
_PAUSE_SECONDS: Final = 0.5


class NotServed(Exception):
    """A queue has no worker of the version; the sentence names queue and version."""


class WorkerVersions:
    """The versions of one deployment. Every method raises ``RPCError`` when Temporal does not answer.

    Args:
        client: Of their Temporal.
        deployment: Its name, ``RUSHES_DEPLOYMENT``.
    """

    def __init__(self, client: Client, deployment: str) -> None:
        self._client = client
        self._deployment = deployment

    async def current(self) -> str | None:
        """The build id of the version that new runs go to; None while there is none."""
        described = await self._describe()
        if described is None:
            return None
        return described.worker_deployment_info.routing_config.current_deployment_version.build_id or None

    async def make_current(
        self, build_id: str, *, within_seconds: float, waiting: Callable[[str], None] = lambda _: None
    ) -> None:
        """Let new runs go to this version, once workers of it ask for tasks of every queue. Doing it again is harmless.

        Args:
            build_id: Of the version.
            within_seconds: How long to wait for them.
            waiting: Is told the queue that has none yet, whenever that is another one.

        Raises:
            NotServed: They did not within the time; nothing was changed.
        """
        if await self.current() == build_id:
            return
        unserved, told = CONTROL_QUEUE, ""
        try:
            async with asyncio.timeout(within_seconds):
                while True:
                    unserved = await self.unserved_queue(build_id) or ""
                    if not unserved and await self._made_current(build_id):
                        return
                    if unserved and unserved != told:
                        waiting(unserved)
                        told = unserved
                    await asyncio.sleep(_PAUSE_SECONDS)
        except TimeoutError:
            raise NotServed(
                f"No worker of version {build_id} of {self._deployment} asks for tasks of "
                f"{unserved or CONTROL_QUEUE} after {within_seconds:g} s, so the version is not current. Start its "
                "workers, for both queues, and try again."
            ) from None

    async def let_go(self) -> None:
        """Let cohorts and deletions that are open go over to the version that is current, now and later.

        They can't be told so when they begin: workers that take part in no versioning serve them as well.
        """
        query = (
            f"WorkflowType IN ('{VIDEO_COHORT_WORKFLOW}', '{VIDEO_DELETION_WORKFLOW}') "
            "AND TemporalWorkflowVersioningBehavior = 'Pinned' AND ExecutionStatus = 'Running'"
        )
        async for found in self._client.list_workflows(query, rpc_timeout=_ANSWER_WITHIN):
            try:
                await self._client.workflow_service.update_workflow_execution_options(
                    UpdateWorkflowExecutionOptionsRequest(
                        namespace=self._client.namespace,
                        workflow_execution=WorkflowExecution(workflow_id=found.id, run_id=found.run_id),
                        workflow_execution_options=WorkflowExecutionOptions(
                            versioning_override=VersioningOverride(auto_upgrade=True)
                        ),
                        update_mask=FieldMask(paths=["versioning_override"]),
                    ),
                    timeout=_ANSWER_WITHIN,
                )
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:  # it has just ended
                    raise

    async def unserved_queue(self, build_id: str) -> str | None:
        """A queue that no living worker of this version asks for tasks; None where all have one."""
        wanted = WorkerDeploymentVersion(self._deployment, build_id)
        for queue, kind in _ASKED:
            if wanted not in {poller.version for poller in await living_pollers(self._client, queue, kind)}:
                return queue
        return None

    async def open_runs(self, build_id: str) -> int:
        """How many runs stay with this version and have not ended; a run of the last second may be missing."""
        version = f"{self._deployment}:{build_id}"
        query = (
            f"TemporalWorkerDeploymentVersion = '{version}' AND TemporalWorkflowVersioningBehavior = 'Pinned' "
            "AND ExecutionStatus = 'Running'"
        )
        return (await self._client.count_workflows(query, rpc_timeout=_ANSWER_WITHIN)).count

    async def open_elsewhere(self) -> Mapping[str, int]:
        """By build id, the number of open runs of each version that is not current and has some."""
        described = await self._describe()
        if described is None:
            return {}
        info = described.worker_deployment_info
        current = info.routing_config.current_deployment_version.build_id
        others = [one.deployment_version.build_id for one in info.version_summaries]
        counted = {build_id: await self.open_runs(build_id) for build_id in others if build_id != current}
        return {build_id: count for build_id, count in counted.items() if count}

    async def _made_current(self, build_id: str) -> bool:
        """Whether Temporal, which learns of a worker a moment after it asks, took it."""
        try:
            await self._client.workflow_service.set_worker_deployment_current_version(
                SetWorkerDeploymentCurrentVersionRequest(
                    namespace=self._client.namespace,
                    deployment_name=self._deployment,
                    build_id=build_id,
                    identity=self._client.identity,
                ),
                timeout=_ANSWER_WITHIN,
            )
        except RPCError as error:
            if error.status in _NOT_YET:
                return False
            raise
        return True

    async def _describe(self) -> DescribeWorkerDeploymentResponse | None:
        try:
            return await self._client.workflow_service.describe_worker_deployment(
                DescribeWorkerDeploymentRequest(namespace=self._client.namespace, deployment_name=self._deployment),
                timeout=_ANSWER_WITHIN,
            )
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
