"""The way of one event to one webhook."""

from typing import Final

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.workflow import ActivityConfig

with workflow.unsafe.imports_passed_through():
    from activities.send_webhook import SendWebhookActivities, SendWebhookInput
    from contracts.webhooks import WEBHOOK_DELIVERY_WORKFLOW, WebhookDeliveryInput
    from workflows.activity_options import GIVE_UP, send_options

_SEND: Final = "send"
_GIVE_UP: Final = "give-up"


@workflow.defn(name=WEBHOOK_DELIVERY_WORKFLOW)
class WebhookDeliveryWorkflow:
    """Delivers one event; its id is ``webhook-{webhook_id}-{delivery_id}-{round}``.

    One activity, which Temporal tries again when the activity says: the answers are in the row, and the history stays
    short for three days.
    """

    @workflow.run
    async def run(self, request: WebhookDeliveryInput) -> None:
        """Deliver it.

        Raises:
            ActivityError: It was not taken; the row says the same.
            asyncio.CancelledError: Somebody cancelled this. The row stays pending until it is sent again.
        """
        sending = SendWebhookInput(request.delivery_id, request.round)
        send: ActivityConfig = {
            **send_options(request.webhook_id, request.share),
            "activity_id": _SEND,
            "summary": "To the receiver, until it takes it",
        }
        give_up: ActivityConfig = {**GIVE_UP, "activity_id": _GIVE_UP, "summary": "The row"}
        try:
            await workflow.execute_activity_method(SendWebhookActivities.send_webhook, sending, **send)
        except ActivityError as error:
            final = isinstance(error.cause, ApplicationError) and error.cause.non_retryable
            if not final:  # else the row tells of it already
                await workflow.execute_activity_method(SendWebhookActivities.give_up_webhook, sending, **give_up)
            raise
