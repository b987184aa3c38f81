"""``/api/v1/webhooks``: where a user's events are sent, and what came of it."""

from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Path, Query, status

from api.authentication import CallerDep
from api.openapi import problem_answers
from api.problems import Problem, ProblemCode
from api.services import DispatchDep, OptionsDep, ServicesDep
from api.small_body import SmallBodyRoute
from api.webhook_views import (
    DeliveryList,
    DeliveryView,
    SecretRequest,
    WebhookList,
    WebhookPatch,
    WebhookRequest,
    WebhookView,
    WebhookWithSecret,
    checked_url,
    stored_types,
)
from contracts.errors import ErrorCode
from contracts.refusals import RefusalCode
from database.tables import Webhook
from events.signing import new_secret

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"], route_class=SmallBodyRoute)

_audit = structlog.stdlib.get_logger("audit")

_ANY: Final = (ProblemCode.INVALID_REQUEST, ErrorCode.DATABASE_UNAVAILABLE)
_ONE: Final = (*_ANY, RefusalCode.WEBHOOK_NOT_FOUND)
_URL: Final = (RefusalCode.INVALID_URL, ErrorCode.ADDRESS_REFUSED)
_LARGEST_ID: Final = 2**63 - 1


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
            event_types=stored_types(wanted.event_types),
            secret=new_secret(),
        )
    )
    _audit.info("webhook made", webhook_id=str(webhook.id), user_id=caller.user_id)
    return WebhookWithSecret.model_validate(webhook, from_attributes=True)


@router.get(
    "", operation_id="list_webhooks", summary="List webhooks, the oldest first", responses=problem_answers(*_ANY)
)
async def list_webhooks(caller: CallerDep, services: ServicesDep) -> WebhookList:
    """At most twenty a user."""
    found = await services.webhooks.of_user(caller.sees)
    return WebhookList(items=[WebhookView.model_validate(webhook, from_attributes=True) for webhook in found])


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
        values["event_types"] = stored_types(wanted.event_types)
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
    """For the time that they overlap, messages are signed with both, so that receivers can change in peace.

    Secrets of before that still sign go on with it, and no longer: with an overlap of 0 the new one signs alone.
    """
    overlap = timedelta(seconds=wanted.overlap_seconds)
    changed = await services.webhooks.rotate(webhook.id, new_secret(), overlap)
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


def _there(webhook: Webhook | None, webhook_id: UUID) -> Webhook:
    if webhook is None:
        raise Problem(RefusalCode.WEBHOOK_NOT_FOUND, f"There is no webhook {webhook_id}.")
    return webhook
