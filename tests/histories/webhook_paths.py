"""The paths of a delivery to a webhook."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Final

from temporalio import activity
from temporalio.client import Client, WorkflowFailureError, WorkflowHistory
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from activities.send_webhook import SendWebhookInput
from contracts.webhooks import WEBHOOK_QUEUE, WebhookDeliveryInput, delivery_workflow_id
from tests.workflows.impatience import Impatient
from workflows.webhook_delivery import WebhookDeliveryWorkflow

_RECORDED: Final = WebhookDeliveryInput(7, "00000000-0000-4000-8000-000000000002", 1)


@dataclass(frozen=True)
class WebhookPath:
    """One way through ``WebhookDeliveryWorkflow``.

    Attributes:
        failure: How ``send_webhook`` ends, or None where the receiver takes it.
        most_attempts: How often Temporal tries it; None for as often as the workflow says.
        skips_time: Whether it waits for long.
    """

    failure: ApplicationError | None = None
    most_attempts: int | None = None
    skips_time: bool = False


WEBHOOK_PATHS: Final = {
    "webhook_delivered": WebhookPath(),
    "webhook_failed": WebhookPath(ApplicationError("It answered 500.", type="webhook_failed", non_retryable=True)),
    "webhook_given_up": WebhookPath(ApplicationError("It answered 500.", type="webhook_not_taken"), most_attempts=2),
}


async def walk_webhook(client: Client, path: WebhookPath) -> WorkflowHistory:
    """Walk the path to its end and return its history."""

    @activity.defn
    async def send_webhook(_: SendWebhookInput) -> None:
        if path.failure is not None:
            raise path.failure

    @activity.defn
    async def give_up_webhook(_: SendWebhookInput) -> None:
        return

    interceptors = [Impatient(path.most_attempts)] if path.most_attempts is not None else []
    async with Worker(
        client,
        task_queue=WEBHOOK_QUEUE,
        workflows=[WebhookDeliveryWorkflow],
        activities=[send_webhook, give_up_webhook],
        interceptors=interceptors,
        identity=WEBHOOK_QUEUE,
    ):
        handle = await client.start_workflow(
            WebhookDeliveryWorkflow.run,
            _RECORDED,
            id=delivery_workflow_id(_RECORDED),
            task_queue=WEBHOOK_QUEUE,
            static_summary="Event 4711",
        )
        async with asyncio.timeout(60):
            with contextlib.suppress(WorkflowFailureError):
                await handle.result()
        return await handle.fetch_history()
