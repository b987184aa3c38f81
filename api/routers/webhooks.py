"""``/api/v1/webhooks``: where a user's events are sent, and what came of it."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Self
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Path, Query, status
from pydantic import BaseModel, ConfigDict, Field

from api.authentication import CallerDep
from api.openapi import problem_answers
from api.problems import Problem, ProblemCode
from api.services import DispatchDep, OptionsDep, ServicesDep
from api.small_body import SmallBodyRoute
from contracts.errors import ErrorCode
from contracts.event_types import STORED_EVENTS, EventType
from contracts.refusals import RefusalCode
from contracts.webhooks import DeliveryStatus
from database.tables import Webhook, WebhookDelivery, utc_now
from events.signing import new_secret
from fetching.addresses import AddressRules
from fetching.source_url import SourceUrl, SourceUrlInvalid

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"], route_class=SmallBodyRoute)

_audit = structlog.stdlib.get_logger("audit")

_ANY: Final = (ProblemCode.INVALID_REQUEST, ErrorCode.DATABASE_UNAVAILABLE)
_ONE: Final = (*_ANY, RefusalCode.WEBHOOK_NOT_FOUND)
_URL: Final = (RefusalCode.INVALID_URL, ErrorCode.ADDRESS_REFUSED)
_DAY_SECONDS: Final = 86_400
_LONGEST_URL: Final = 2000
_LARGEST_ID: Final = 2**63 - 1

StoredType = Annotated[
    EventType, Field(json_schema_extra={"enum": [str(kind) for kind in STORED_EVENTS]}, description="Of an event.")
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


async def _webhook(
    webhook_id: Annotated[UUID, Path(description="Of the webhook.")], services: ServicesDep, caller: CallerDep
) -> Webhook:
    return await services.webhooks.get(webhook_id, caller.sees)


WebhookDep = Annotated[Webhook, Depends(_webhook)]
"""The caller's webhook that the path names; 404 when there is none."""


@router.post(
    "",
    operation_id="create_webhook",
    summary="Have events sent somewhere",
    status_code=status.HTTP_201_CREATED,
    responses=problem_answers(*_ANY, *_URL, RefusalCode.TOO_MANY_WEBHOOKS),
)
async def create_webhook(
    wanted: WebhookRequest, caller: CallerDep, services: ServicesDep, options: OptionsDep
) -> WebhookWithSecret:
    """From now on, each event of the caller's videos, signed as Standard Webhooks. The answer has the secret."""
    webhook = await services.webhooks.add(
        Webhook(
            user_id=caller.user_id,
            url=checked_url(wanted.url, options.events.addresses),
            description=wanted.description,
            event_types=_stored(wanted.event_types),
            secret=new_secret(),
        )
    )
    _audit.info("webhook made", webhook_id=str(webhook.id), user_id=caller.user_id)
    return WebhookWithSecret.model_validate(webhook, from_attributes=True)


@router.get(
    "", operation_id="list_webhooks", summary="List webhooks, the oldest first", responses=problem_answers(*_ANY)
)
async def list_webhooks(caller: CallerDep, services: ServicesDep) -> list[WebhookView]:
    """At most twenty a user."""
    found = await services.webhooks.of_user(caller.sees)
    return [WebhookView.model_validate(webhook, from_attributes=True) for webhook in found]


@router.get("/{webhook_id}", operation_id="get_webhook", summary="Read one webhook", responses=problem_answers(*_ONE))
async def get_webhook(webhook: WebhookDep) -> WebhookView:
    """Without its secret: `POST …/secret` makes another."""
    return WebhookView.model_validate(webhook, from_attributes=True)


@router.patch(
    "/{webhook_id}",
    operation_id="change_webhook",
    summary="Change a webhook, or switch it on or off",
    responses=problem_answers(*_ONE, *_URL),
)
async def change_webhook(
    wanted: WebhookPatch, webhook: WebhookDep, services: ServicesDep, options: OptionsDep, caller: CallerDep
) -> WebhookView:
    """What is sent from now on. What is on its way to one that is switched off has failed, and can be sent again."""
    said = wanted.model_fields_set
    values: dict[str, Any] = {name: getattr(wanted, name) for name in said & {"description", "is_enabled"}}
    if "url" in said:
        values["url"] = checked_url(wanted.url, options.events.addresses)
    if "event_types" in said:
        values["event_types"] = _stored(wanted.event_types)
    if "is_enabled" in said:
        values["disabled_reason"] = None
    changed = await services.webhooks.change(webhook.id, values) if values else webhook
    _audit.info("webhook changed", webhook_id=str(webhook.id), user_id=caller.user_id, changed=sorted(said))
    return WebhookView.model_validate(_there(changed, webhook.id), from_attributes=True)


@router.delete(
    "/{webhook_id}",
    operation_id="delete_webhook",
    summary="Delete a webhook and what is known of its deliveries",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_answers(*_ONE),
)
async def delete_webhook(webhook: WebhookDep, services: ServicesDep, caller: CallerDep) -> None:
    """What is on its way is not sent any more."""
    await services.webhooks.delete(webhook.id)
    _audit.info("webhook deleted", webhook_id=str(webhook.id), user_id=caller.user_id)


@router.post(
    "/{webhook_id}/secret",
    operation_id="rotate_webhook_secret",
    summary="Give a webhook a new secret",
    responses=problem_answers(*_ONE),
)
async def rotate_webhook_secret(
    wanted: SecretRequest, webhook: WebhookDep, services: ServicesDep, caller: CallerDep
) -> WebhookWithSecret:
    """For the time that they overlap, messages are signed with both, so that receivers can change in peace."""
    values = {
        "secret": new_secret(),
        "former_secret": webhook.secret,
        "former_secret_until": utc_now() + timedelta(seconds=wanted.overlap_seconds),
    }
    changed = await services.webhooks.change(webhook.id, values)
    _audit.info("webhook secret rotated", webhook_id=str(webhook.id), user_id=caller.user_id)
    return WebhookWithSecret.model_validate(_there(changed, webhook.id), from_attributes=True)


@router.get(
    "/{webhook_id}/deliveries",
    operation_id="list_webhook_deliveries",
    summary="List what was sent to a webhook, newest first",
    responses=problem_answers(*_ONE),
)
async def list_webhook_deliveries(
    webhook: WebhookDep,
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=100, description="Most deliveries on the page.")] = 20,
    before: Annotated[int | None, Query(ge=0, le=_LARGEST_ID, description="`next_before` of the page before.")] = None,
) -> DeliveryList:
    """With each answer. They are kept as long as their events."""
    found = await services.webhooks.deliveries(webhook.id, limit=limit + 1, before=before)
    items = [DeliveryView.of(delivery, kind, video_id) for delivery, kind, video_id in found[:limit]]
    return DeliveryList(items=items, next_before=items[-1].id if len(found) > limit else None)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/resend",
    operation_id="resend_webhook_delivery",
    summary="Send a delivery again",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problem_answers(*_ONE, RefusalCode.DELIVERY_NOT_FOUND),
)
async def resend_webhook_delivery(
    webhook: WebhookDep,
    delivery_id: Annotated[int, Path(ge=0, le=_LARGEST_ID, description="Of the delivery.")],
    services: ServicesDep,
    dispatch: DispatchDep,
) -> None:
    """Under the same `webhook-id`, so that a receiver can tell. One that is still pending goes on as it is.

    If the workflow of a pending one is lost, it gets another.
    """
    await services.webhooks.send_again(webhook.id, delivery_id)
    dispatch.wake()


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


def _stored(wanted: list[EventType]) -> list[str]:
    if unknown := [kind for kind in wanted if kind not in STORED_EVENTS]:
        raise Problem(ProblemCode.INVALID_REQUEST, f"{unknown[0]} is only in streams of events; webhooks get it never.")
    return [str(kind) for kind in dict.fromkeys(wanted)]


def _there(webhook: Webhook | None, webhook_id: UUID) -> Webhook:
    if webhook is None:
        raise Problem(RefusalCode.WEBHOOK_NOT_FOUND, f"There is no webhook {webhook_id}.")
    return webhook
