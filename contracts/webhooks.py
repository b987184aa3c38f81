"""What of webhooks several parts agree on."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

WEBHOOK_DELIVERY_WORKFLOW: Final = "WebhookDeliveryWorkflow"

WEBHOOK_QUEUE: Final = "webhooks"
"""A task queue of their own: receivers that answer slowly, or not at all, keep nothing else waiting."""


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True)
class WebhookDeliveryInput:
    """What starts the delivery of one event to one webhook.

    Attributes:
        delivery_id: Of the row.
        webhook_id: Where to: its turn is used up.
        round: 1, and one more each time that somebody has it sent again.
        share: Which part of a turn that is: a user who has several webhooks has no more turns than one who has one.
    """

    delivery_id: int
    webhook_id: str
    round: int
    share: float = 1.0


def delivery_workflow_id(request: WebhookDeliveryInput) -> str:
    """The id of the one workflow that delivers this round; deliveries of another database may have the same numbers."""
    return f"webhook-{request.webhook_id}-{request.delivery_id}-{request.round}"
