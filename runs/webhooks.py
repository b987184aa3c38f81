"""Starts the workflows that deliver events to webhooks."""

from datetime import timedelta
from typing import Final, Protocol

from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from contracts.temporal_names import START_TIMEOUT
from contracts.webhooks import (
    WEBHOOK_DELIVERY_WORKFLOW,
    WEBHOOK_QUEUE,
    WebhookDeliveryInput,
    delivery_workflow_id,
)
from runs.answers import unavailable_if_silent

_LONGEST: Final = timedelta(days=5)
"""Longer than all attempts and their pauses; then nobody waits for it any more."""


class WebhookRuns(Protocol):
    """What the api asks of Temporal for webhooks."""

    async def start(self, request: WebhookDeliveryInput, label: str) -> bool:
        """Start the delivery; False where its workflow is open already. Raises ``TemporalUnavailable``."""


class TemporalWebhookRuns:
    """The deliveries, each a workflow.

    Args:
        client: Lazy or connected.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def start(self, request: WebhookDeliveryInput, label: str) -> bool:
        """Start the delivery, again where its workflow has ended: of a round that is over nothing is sent.

        Args:
            request: Which delivery.
            label: For people who read Temporal's Web UI.

        Returns:
            Whether it was started; False where its workflow is open already.

        Raises:
            TemporalUnavailable: It does not answer, or refuses.
        """
        try:
            async with unavailable_if_silent(not_found_is_an_answer=False):
                await self._client.start_workflow(
                    WEBHOOK_DELIVERY_WORKFLOW,
                    request,
                    id=delivery_workflow_id(request),
                    task_queue=WEBHOOK_QUEUE,
                    execution_timeout=_LONGEST,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    static_summary=label,
                    priority=Priority(fairness_key=request.webhook_id, fairness_weight=request.share),
                    rpc_timeout=START_TIMEOUT,
                )
        except WorkflowAlreadyStartedError:
            return False
        return True
