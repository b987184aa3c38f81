"""The api's answers about webhooks, read as those of ``client/views.py`` are."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class WebhookView(BaseModel):
    """Where events are sent.

    Attributes:
        event_types: Which events; none for all.
        disabled_reason: Why nothing is sent, where it was not its user who wanted that.
    """

    id: UUID
    user_id: str = ""
    url: str
    description: str = ""
    event_types: list[str]
    is_enabled: bool
    disabled_reason: str | None = None
    created_at: datetime


class WebhookWithSecret(WebhookView):
    """The same, with the secret that messages are signed with, which is shown this once."""

    secret: str


class WebhookList(BaseModel):
    """All webhooks of a user, the oldest first."""

    items: list[WebhookView]


class AnswerView(BaseModel):
    """What came of one attempt to send an event."""

    at: datetime
    round: int
    seconds: float
    status: int | None
    detail: str


class DeliveryView(BaseModel):
    """An event on its way to a webhook."""

    id: int
    event_id: int
    event_type: str
    video_id: UUID
    status: str
    answers: list[AnswerView]
    next_attempt_at: datetime | None
    created_at: datetime


class DeliveryPage(BaseModel):
    """Deliveries, newest first."""

    items: list[DeliveryView]
    next_before: int | None
