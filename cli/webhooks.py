"""``rushes webhooks``: where events are sent, and how they look before anything is there to take them."""

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

import httpx
import typer
from rich.text import Text

from cli.arguments import AsJson
from cli.console import SHORT_ID, messages, output, plain_table, print_table
from cli.errors import sentence_of
from cli.where import find_service
from client.errors import RushesError
from client.listening import Event
from client.webhook_views import DeliveryView, WebhookView, WebhookWithSecret
from contracts.event_types import STORED_EVENTS, EventType
from events.signing import new_secret, signed_headers

_FORWARD_SECONDS: Final = 30.0
_STORED: Final = frozenset(STORED_EVENTS)

Events = Annotated[
    list[EventType] | None,
    typer.Option("--event", help="Only these; may be given several times. Default: all.", show_default=False),
]

WebhookId = Annotated[UUID, typer.Argument(metavar="ID", help="Id of the webhook.", show_default=False)]


def create(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where events are sent.", show_default=False)],
    event: Events = None,
    description: Annotated[str, typer.Option(help="For people.")] = "",
) -> None:
    """Have events sent to a URL. Prints the webhook's id and its secret, which is not shown again."""
    service = find_service()

    async def ask() -> WebhookWithSecret:
        async with service.api() as api:
            return await api.webhooks.create(url, [str(kind) for kind in event or []], description)

    webhook = asyncio.run(ask())
    output().print(str(webhook.id))
    output().print(webhook.secret, soft_wrap=True)
    messages().print("Keep the secret: what is sent is signed with it, as https://www.standardwebhooks.com has it.")


def list_webhooks() -> None:
    """List webhooks."""
    service = find_service()

    async def ask() -> list[WebhookView]:
        async with service.api() as api:
            return await api.webhooks.all()

    table = plain_table("ID")
    for name in ("State", "Events", "URL"):
        table.add_column(name, overflow="fold")
    for webhook in asyncio.run(ask()):
        state = "on" if webhook.is_enabled else f"off: {webhook.disabled_reason or 'switched off'}"
        table.add_row(str(webhook.id), state, ", ".join(webhook.event_types) or "all", webhook.url)
    print_table(table)


def deliveries(
    webhook_id: WebhookId,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most deliveries.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what was sent to a webhook, newest first, and what it answered last."""
    service = find_service()

    async def ask() -> list[DeliveryView]:
        async with service.api() as api:
            return [delivery async for delivery in api.webhooks.deliveries(webhook_id, limit=limit)]

    found = asyncio.run(ask())
    if as_json:
        output().print_json(data=[delivery.model_dump(mode="json") for delivery in found], indent=2)
        return
    table = plain_table("ID", "Status", "Event", "Video", ">Tries", "Next")
    table.add_column("Last answer")
    for one in found:
        last = one.answers[-1] if one.answers else None
        said = "" if last is None else " ".join(str(part) for part in (last.status, last.detail) if part)
        due = "" if one.next_attempt_at is None else f"{one.next_attempt_at.astimezone():%H:%M:%S}"
        video = str(one.video_id)[:SHORT_ID]
        table.add_row(str(one.id), one.status, one.event_type, video, str(len(one.answers)), due, Text(said))
    print_table(table)


def enable(webhook_id: WebhookId) -> None:
    """Send events there again, from now on; what failed meanwhile is sent by `resend`."""
    _switch(webhook_id, is_enabled=True)
    output().print(f"Events are sent to {webhook_id} from now on.")


def disable(webhook_id: WebhookId) -> None:
    """Send nothing there until it is enabled again; what is on its way has failed."""
    _switch(webhook_id, is_enabled=False)
    output().print(f"Nothing is sent to {webhook_id} until it is enabled.")


def _switch(webhook_id: UUID, *, is_enabled: bool) -> None:
    service = find_service()

    async def ask() -> None:
        async with service.api() as api:
            await api.webhooks.update(webhook_id, is_enabled=is_enabled)

    asyncio.run(ask())


def resend(
    webhook_id: WebhookId,
    delivery_id: Annotated[int, typer.Argument(metavar="DELIVERY", help="As `rushes webhooks deliveries` shows it.")],
) -> None:
    """Send a delivery again, under the same `webhook-id`; one that is pending goes on as it is."""
    service = find_service()

    async def ask() -> None:
        async with service.api() as api:
            await api.webhooks.resend(webhook_id, delivery_id)

    asyncio.run(ask())
    output().print(f"Delivery {delivery_id} is on its way.")


def delete(webhook_id: WebhookId) -> None:
    """Send nothing there any more, and forget what was sent."""
    service = find_service()

    async def ask() -> None:
        async with service.api() as api:
            await api.webhooks.delete(webhook_id)

    asyncio.run(ask())
    output().print(f"Deleted {webhook_id}.")


def listen(
    event: Events = None,
    forward_to: Annotated[
        str | None,
        typer.Option(help="Send each event there as a webhook would, on this machine too.", metavar="URL"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: each event as a line of JSON.")] = False,
) -> None:
    """Print what happens, as it happens, until Ctrl-C. Progress only where `--event video.progress` asks for it."""
    service = find_service()
    wanted = frozenset(event) if event else _STORED
    secret = new_secret()
    if forward_to is not None:
        messages().print(f"What is sent to {forward_to} is signed with {secret}", soft_wrap=True)

    async def follow() -> None:
        async with service.api() as api, httpx.AsyncClient(timeout=_FORWARD_SECONDS, trust_env=False) as receiver:
            async for told in api.events(on_begun=_tell_begun, on_broken=_tell_broken):
                if told.type not in wanted:
                    continue
                _print(told, as_json=as_json)
                if forward_to is not None and told.id is not None:
                    await _forward(receiver, forward_to, told, secret)

    asyncio.run(follow())


def _print(told: Event, *, as_json: bool) -> None:
    if as_json:
        line = {"id": told.id, "type": told.type, "data": told.data}
        output().print(json.dumps(line, ensure_ascii=False), soft_wrap=True, markup=False, highlight=False)
        return
    video = told.data
    progress = video.get("progress")
    note = video.get("error_code") or (f"{progress:.0%}" if progress is not None else "")
    now = datetime.now(UTC).astimezone()
    line_of_words = [
        f"{now:%H:%M:%S}",
        f"{told.type:<15}",
        str(video.get("id", "")),
        str(note),
        video.get("title"),
    ]
    output().print(Text("  ".join(word for word in line_of_words if word)), soft_wrap=True)


async def _forward(receiver: httpx.AsyncClient, url: str, told: Event, secret: str) -> None:
    message = {"type": told.type, "timestamp": datetime.now(UTC).isoformat(), "data": told.data}
    body = json.dumps(message, ensure_ascii=False).encode()
    headers = signed_headers(f"evt_{told.id}", int(time.time()), body, [secret])
    try:
        answer = await receiver.post(url, content=body, headers={"Content-Type": "application/json", **headers})
        said = f"answered {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = f"can't be reached: {str(error) or type(error).__name__}"
    messages().print(Text(f"          {url} {said}"), soft_wrap=True)


def _tell_begun() -> None:
    messages().print("Listening until Ctrl-C.")


def _tell_broken(why: RushesError) -> None:
    messages().print(Text(f"{sentence_of(why)} Going on from where it was.", style="yellow"), soft_wrap=True)
