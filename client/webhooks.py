"""Where events are sent, as ``rushes.webhooks``."""

from collections.abc import AsyncIterator, Collection
from typing import Final, TypedDict, Unpack
from uuid import UUID

from client.connection import Connection
from client.webhook_views import DeliveryPage, DeliveryView, WebhookList, WebhookView, WebhookWithSecret

_PATH: Final = "/api/v1/webhooks"
_PAGE_SIZE: Final = 100


class WebhookChange(TypedDict, total=False):
    """What is to change of a webhook; what is left out stays as it is."""

    url: str
    event_types: Collection[str]
    description: str
    is_enabled: bool


class AsyncWebhooks:
    """Makes, reads and changes webhooks. Every method raises ``RushesError`` where it is refused."""

    def __init__(self, connection: Connection) -> None:
        """Ask the api over this connection."""
        self._connection = connection

    async def create(self, url: str, event_types: Collection[str] = (), description: str = "") -> WebhookWithSecret:
        """Have events sent to a URL, all of them where none is named. The answer has the secret, this once."""
        asked = {"url": url, "event_types": list(event_types), "description": description}
        return await self._connection.ask(WebhookWithSecret, "POST", _PATH, json=asked)

    async def all(self) -> list[WebhookView]:
        """Where events are sent, the oldest first."""
        return (await self._connection.ask(WebhookList, "GET", _PATH)).items

    async def get(self, webhook_id: str | UUID) -> WebhookView:
        """One webhook, without its secret."""
        return await self._connection.ask(WebhookView, "GET", f"{_PATH}/{webhook_id}")

    async def update(self, webhook_id: str | UUID, **change: Unpack[WebhookChange]) -> WebhookView:
        """Change what is named, and nothing else."""
        asked = change | ({"event_types": [*change["event_types"]]} if "event_types" in change else {})
        return await self._connection.ask(WebhookView, "PATCH", f"{_PATH}/{webhook_id}", json=asked)

    async def delete(self, webhook_id: str | UUID) -> None:
        """Send nothing there any more, and forget what was sent."""
        await self._connection.send("DELETE", f"{_PATH}/{webhook_id}")

    async def rotate_secret(self, webhook_id: str | UUID, *, overlap_seconds: int = 86_400) -> WebhookWithSecret:
        """Sign with a new secret; for the time that they overlap, with both."""
        asked = {"overlap_seconds": overlap_seconds}
        return await self._connection.ask(WebhookWithSecret, "POST", f"{_PATH}/{webhook_id}/secret", json=asked)

    async def deliveries(self, webhook_id: str | UUID, *, limit: int | None = None) -> AsyncIterator[DeliveryView]:
        """What was sent, newest first, page by page; all of it where ``limit`` is None."""
        left, before = limit, None
        while left is None or left > 0:
            asked = {"limit": min(left or _PAGE_SIZE, _PAGE_SIZE)} | ({} if before is None else {"before": before})
            path = f"{_PATH}/{webhook_id}/deliveries"
            page = await self._connection.ask(DeliveryPage, "GET", path, params=asked)
            for delivery in page.items:
                yield delivery
            left = None if left is None else left - len(page.items)
            before = page.next_before
            if before is None:
                return

    async def resend(self, webhook_id: str | UUID, delivery_id: int) -> None:
        """Send a delivery again, under the same ``webhook-id``."""
        await self._connection.send("POST", f"{_PATH}/{webhook_id}/deliveries/{delivery_id}/resend")
