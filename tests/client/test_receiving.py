"""A script is told of what the service signed, each event once, and leaves no webhook behind."""

import json
import time
from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import pytest

from client.receiving import receiving
from client.sync import Rushes, Webhooks
from client.webhook_views import WebhookWithSecret
from embedded.ports import Ports
from events.signing import new_secret, signed_headers


class Kept(Webhooks):
    """Webhooks of nobody but this test."""

    def __init__(self) -> None:
        self.there: dict[UUID, WebhookWithSecret] = {}

    def create(self, url: str, event_types: Collection[str] = (), description: str = "") -> WebhookWithSecret:
        made = WebhookWithSecret(
            id=uuid4(),
            url=url,
            description=description,
            event_types=list(event_types),
            is_enabled=True,
            created_at=datetime.now(UTC),
            secret=new_secret(),
        )
        self.there[made.id] = made
        return made

    def delete(self, webhook_id: str | UUID) -> None:
        del self.there[UUID(str(webhook_id))]


def test_what_is_genuine_is_told_once_and_nothing_else() -> None:
    url = f"http://127.0.0.1:{Ports().free(purpose='a receiver')}/"
    webhooks, now = Kept(), int(time.time())
    with Rushes("http://127.0.0.1:1") as rushes:
        rushes.webhooks = webhooks
        with receiving(rushes, url, ["video.ready"]) as events:
            (webhook,) = webhooks.there.values()

            def sent(number: int, secret: str, at: int = now) -> int:
                body = json.dumps({"type": "video.ready", "data": {"title": str(number)}}).encode()
                headers = signed_headers(f"evt_{number}", at, body, [secret])
                return httpx.post(url, content=body, headers=headers).status_code

            assert [sent(1, new_secret()), sent(2, webhook.secret, now - 3600)] == [400, 400]
            assert [sent(3, webhook.secret) for _ in range(2)] == [204, 204]
            assert sent(4, webhook.secret) == 204
            assert httpx.post(url, content=b"{}").status_code == 400
            told = [next(events), next(events)]
    assert [(event.id, event.type, event.data["title"]) for event in told] == [
        (3, "video.ready", "3"),
        (4, "video.ready", "4"),
    ]
    assert webhooks.there == {}
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_what_is_no_address_is_told_before_anything_is_made() -> None:
    with (
        Rushes("http://127.0.0.1:1") as rushes,
        pytest.raises(ValueError, match="no address to send events to"),
        receiving(rushes, "app.example/events"),
    ):
        raise AssertionError
