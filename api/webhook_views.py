"""Webhooks and their deliveries, as ``/api/v1/webhooks`` takes and answers them."""

from datetime import datetime
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.problems import Problem
from contracts.event_types import STORED_EVENTS, EventType
from contracts.refusals import RefusalCode
from contracts.webhooks import DeliveryStatus
from database.tables import WebhookDelivery
from fetching.addresses import AddressRules
from fetching.source_url import SourceUrl, SourceUrlInvalid

_DAY_SECONDS: Final = 86_400
_LONGEST_URL: Final = 2000


def _is_stored(kind: object) -> object:
    """Refuses what no webhook gets, in words that name only what one may ask for."""
    if kind not in STORED_EVENTS:
        raise ValueError(
            f"webhooks get {', '.join(STORED_EVENTS)}; what is of the moment is in streams of events alone"
        )
    return kind


StoredType = Annotated[
    EventType,
    BeforeValidator(_is_stored),
    Field(json_schema_extra={"enum": [str(kind) for kind in STORED_EVENTS]}, description="Of an event."),
]
EventTypes = Annotated[
    list[StoredType],
    Field(
        max_length=len(STORED_EVENTS), description="Which events are sent; none for all.", examples=[["video.ready"]]
    ),
]
Url = Annotated[
    str,
    Field(
        max_length=_LONGEST_URL,
        description="Where events are sent by POST: http or https, at a public address.",
        examples=["https://app.example.com/rushes"],
    ),
]
Description = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$", description="For people.")]


class WebhookRequest(BaseModel):
    """A webhook that is wanted."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    event_types: EventTypes = Field(default_factory=list)
    description: Description = ""


class WebhookPatch(BaseModel):
    """What is to change of a webhook; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    url: Url = Field(default_factory=str)
    event_types: EventTypes = Field(default_factory=list)
    description: Description = Field(default_factory=str)
    is_enabled: bool = Field(default_factory=bool, description="Switching it on again forgets why it was off.")


class SecretRequest(BaseModel):
    """How long the secret that goes still signs beside the new one."""

    model_config = ConfigDict(extra="forbid")

    overlap_seconds: int = Field(default=_DAY_SECONDS, ge=0, le=7 * _DAY_SECONDS, description="At most a week.")


class WebhookView(BaseModel):
    """Where events are sent."""

    id: UUID
    user_id: str = Field(description="Whose events.")
    url: str
    description: str
    event_types: list[str] = Field(description="Which events; none for all.")
    is_enabled: bool
    disabled_reason: str | None = Field(description="Why nothing is sent, where it was not its user who wanted that.")
    created_at: datetime


class WebhookList(BaseModel):
    """All webhooks of a user, the oldest first."""

    items: list[WebhookView]


class WebhookWithSecret(WebhookView):
    """The same, with its secret, which is shown this once."""

    secret: str = Field(description="What messages are signed with, as Standard Webhooks: `whsec_…`.")


class AnswerView(BaseModel):
    """What came of one attempt."""

    at: datetime
    round: int = Field(description="1, and one more each time that it was sent again.")
    seconds: float = Field(description="How long it took.")
    status: int | None = Field(description="Of HTTP; null where there was no answer.")
    detail: str = Field(description="The beginning of the answer, or why there was none.")


class DeliveryView(BaseModel):
    """An event on its way to a webhook."""

    id: int
    event_id: int = Field(description="The message's `webhook-id` is `evt_` and this.")
    event_type: str
    video_id: UUID
    status: DeliveryStatus
    answers: list[AnswerView] = Field(description="What came of each attempt, the oldest first.")
    next_attempt_at: datetime | None = Field(description="While it is pending: when it is tried again.")
    created_at: datetime

    @classmethod
    def of(cls, delivery: WebhookDelivery, event_type: str, video_id: UUID) -> Self:
        """The row."""
        return cls.model_validate(delivery.model_dump() | {"event_type": event_type, "video_id": video_id})


class DeliveryList(BaseModel):
    """Deliveries, newest first."""

    items: list[DeliveryView]
    next_before: int | None = Field(description="Give it as `before` for the next page; null on the last one.")


def checked_url(text: str, addresses: AddressRules) -> str:
    """The URL as it is kept. Raises ``Problem`` or ``AddressRefused``."""
    try:
        url = SourceUrl.parse(text)
    except SourceUrlInvalid as error:
        raise Problem(RefusalCode.INVALID_URL, str(error)) from error
    url.check(addresses)
    kept = str(url.url)
    if len(kept) > _LONGEST_URL:  # other letters than ASCII became longer
        raise Problem(RefusalCode.INVALID_URL, f"The URL has more than {_LONGEST_URL} characters.")
    return kept


def stored_types(wanted: list[EventType]) -> list[str]:
    """The types as they are kept, each once."""
    return [str(kind) for kind in dict.fromkeys(wanted)]
