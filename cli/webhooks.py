"""``rushes webhooks``: where events are sent."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.text import Text

from cli.arguments import AsJson, one_of
from cli.confirming import Yes, confirm
from cli.console import SHORT_ID, messages, output, plain_table, print_table, time_text
from cli.errors import CommandFailed, ExitCode
from cli.where import find_service
from client.asynchronous import AsyncRushes
from client.webhook_views import DeliveryView, WebhookView, WebhookWithSecret
from client.webhooks import WebhookChange
from contracts.event_types import EventType

Answer = TypeVar("Answer")

Events = Annotated[
    list[EventType] | None,
    typer.Option(
        "--event",
        metavar="TYPE",
        help="Only these, such as video.ready; may be given several times. Default: all.",
        show_default=False,
    ),
]

WebhookId = Annotated[
    str,
    typer.Argument(metavar="ID", help="Id of the webhook, or its beginning: four digits or more.", show_default=False),
]


def create(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where events are sent.", show_default=False)],
    event: Events = None,
    description: Annotated[str, typer.Option(help="For people.")] = "",
    as_json: AsJson = False,
) -> None:
    """Have events sent to a URL. Prints the webhook's id and its secret, which is not shown again."""
    service = find_service()

    async def ask() -> WebhookWithSecret:
        async with service.api() as api:
            return await api.webhooks.create(url, [str(kind) for kind in event or []], description)

    _print_secret(asyncio.run(ask()), as_json=as_json)


def _print_secret(webhook: WebhookWithSecret, *, as_json: bool) -> None:
    if as_json:
        output().print_json(data=webhook.model_dump(mode="json"), indent=2)
        return
    output().print(str(webhook.id))
    output().print(webhook.secret, soft_wrap=True)
    messages().print("Keep the secret: what is sent is signed with it, as https://www.standardwebhooks.com has it.")


def edit(
    webhook_id: WebhookId,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Where events are sent from now on.")] = None,
    event: Events = None,
    every: Annotated[bool, typer.Option("--all-events", help="Events of every type, also those to come.")] = False,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="For people.")] = None,
) -> None:
    """Change where events are sent, which, or what is said of it; what is not named stays."""
    change = WebhookChange()
    if url is not None:
        change["url"] = url
    if event or every:
        change["event_types"] = [] if every else [str(kind) for kind in event or []]
    if description is not None:
        change["description"] = description
    if not change:
        told = "Say what is to change: --url, --event, --all-events, --description."
        raise CommandFailed(told, ExitCode.USAGE)
    _, webhook = _of_one(webhook_id, lambda api, whole: api.webhooks.update(whole, **change))
    output().print(f"{webhook.id}: {', '.join(webhook.event_types) or 'all events'} to {webhook.url}", soft_wrap=True)


def rotate(
    webhook_id: WebhookId,
    overlap_seconds: Annotated[
        int, typer.Option("--overlap", metavar="SECONDS", min=0, help="So long those of before sign as well.")
    ] = 86_400,
    as_json: AsJson = False,
) -> None:
    """Sign with a new secret. Prints the webhook's id and the secret, which is not shown again."""
    _, webhook = _of_one(
        webhook_id, lambda api, whole: api.webhooks.rotate_secret(whole, overlap_seconds=overlap_seconds)
    )
    _print_secret(webhook, as_json=as_json)


def list_webhooks(as_json: AsJson = False) -> None:
    """List webhooks."""
    service = find_service()

    async def ask() -> list[WebhookView]:
        async with service.api() as api:
            return await api.webhooks.all()

    found = asyncio.run(ask())
    if as_json:
        output().print_json(data=[webhook.model_dump(mode="json") for webhook in found], indent=2)
        return
    table = plain_table("ID")
    for name in ("State", "Events", "URL"):
        table.add_column(name, overflow="fold")
    for webhook in found:
        state = "on" if webhook.is_enabled else f"off: {webhook.disabled_reason or 'switched off'}"
        table.add_row(str(webhook.id), state, ", ".join(webhook.event_types) or "all", webhook.url)
    print_table(table)


def deliveries(
    webhook_id: WebhookId,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most deliveries.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what was sent to a webhook, newest first, and what it answered last."""

    async def ask(api: AsyncRushes, whole: str) -> list[DeliveryView]:
        return [delivery async for delivery in api.webhooks.deliveries(whole, limit=limit)]

    _, found = _of_one(webhook_id, ask)
    if as_json:
        output().print_json(data=[delivery.model_dump(mode="json") for delivery in found], indent=2)
        return
    table = plain_table("ID", "Status", "Event", "Video", ">Tries", "Next")
    table.add_column("Last answer")
    for one in found:
        last = one.answers[-1] if one.answers else None
        said = "" if last is None else " ".join(str(part) for part in (last.status, last.detail) if part)
        due = "" if one.next_attempt_at is None else time_text(one.next_attempt_at)
        video = str(one.video_id)[:SHORT_ID]
        table.add_row(str(one.id), one.status, one.event_type, video, str(len(one.answers)), due, Text(said))
    print_table(table)


def enable(webhook_id: WebhookId) -> None:
    """Send events there again, from now on; what failed before is sent by `resend`, what happened since is not."""
    whole, _ = _of_one(webhook_id, lambda api, whole: api.webhooks.update(whole, is_enabled=True))
    output().print(f"Events are sent to {whole} from now on.")


def disable(webhook_id: WebhookId) -> None:
    """Send nothing there until it is enabled again; what is on its way has failed."""
    whole, _ = _of_one(webhook_id, lambda api, whole: api.webhooks.update(whole, is_enabled=False))
    output().print(f"Nothing is sent to {whole} until it is enabled.")


def resend(
    webhook_id: WebhookId,
    delivery_id: Annotated[int, typer.Argument(metavar="DELIVERY", help="As `rushes webhooks deliveries` shows it.")],
) -> None:
    """Send a delivery again, under the same `webhook-id`; one that is pending goes on as it is."""
    _of_one(webhook_id, lambda api, whole: api.webhooks.resend(whole, delivery_id))
    output().print(f"Delivery {delivery_id} is on its way.")


def delete(webhook_id: WebhookId, yes: Yes = False) -> None:
    """Send nothing there any more, and forget what was sent."""
    whole, webhook = _of_one(webhook_id, lambda api, whole: api.webhooks.get(whole))
    confirm(f"Delete the webhook to {webhook.url}, and what is known of its deliveries?", yes=yes)
    _of_one(whole, lambda api, whole: api.webhooks.delete(whole))
    output().print(f"Deleted {whole}.")


def _of_one(given: str, ask: Callable[[AsyncRushes, str], Awaitable[Answer]]) -> tuple[str, Answer]:
    """The whole id of the webhook that was meant, and what the api answers about it."""

    async def answer() -> tuple[str, Answer]:
        async with find_service().api() as api:
            whole = one_of(given, [str(webhook.id) for webhook in await api.webhooks.all()], "webhook")
            return whole, await ask(api, whole)

    return asyncio.run(answer())
