"""``rushes webhooks``, against the whole service."""

import asyncio
import json
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.fetching.receiving import receiving
from tests.fixtures.clips import Clips
from tests.fixtures.stack import Home
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(180)


async def test_listen_prints_what_happens_and_forwards_it_signed(stack: Home, clips: Clips) -> None:
    async with receiving() as receiver:
        listening = await stack.begin("webhooks", "listen", "--json", "--forward-to", receiver.url)
        assert listening.stdout is not None
        assert listening.stderr is not None
        try:
            async with asyncio.timeout(120):
                secret = (await listening.stderr.readline()).decode().split()[-1]
                assert await listening.stderr.readline() == b"Listening until Ctrl-C.\n"
                ended = await stack.rushes("upload", "--wait", str(clips.path("short_with_sound")))
                seen: list[dict[str, Any]] = []
                while "video.ready" not in [event["type"] for event in seen]:
                    seen.append(json.loads(await listening.stdout.readline()))
                while len(receiver.received) < len(seen):
                    await asyncio.sleep(0.05)
        finally:
            listening.terminate()
            await listening.communicate()
    assert [event["type"] for event in seen] == ["video.created", "video.uploaded", "video.ready"]
    assert {event["data"]["id"] for event in seen} == {ended.out.strip()}
    for event, received in zip(seen, receiver.received, strict=True):
        message = Webhook(secret).verify(received.body, dict(received.headers))
        assert (message["type"], message["data"]) == (event["type"], event["data"])


async def test_a_video_that_becomes_ready_is_sent_to_its_webhook(stack: Home, clips: Clips) -> None:
    async with receiving() as receiver:
        made = await stack.rushes("webhooks", "create", receiver.url, "--event", "video.ready")
        _, secret = made.out.split()
        clip = str(clips.path("short_with_sound"))
        ended = await stack.rushes("upload", "--wait", "--metadata", "order=4711", clip)
        async with asyncio.timeout(60):
            while not receiver.received:
                await asyncio.sleep(0.05)
    (received,) = receiver.received
    message = Webhook(secret).verify(received.body, dict(received.headers))
    assert (message["type"], message["data"]["id"]) == ("video.ready", ended.out.strip())
    assert message["data"]["metadata"] == {"order": "4711"}


async def test_what_a_receiver_does_not_take_is_listed_with_why_until_its_webhook_is_deleted(
    stack: Home, clips: Clips
) -> None:
    async with receiving() as receiver:
        gone = receiver.url
    webhook_id, _ = (await stack.rushes("webhooks", "create", gone, "--event", "video.error")).out.split()
    await stack.rushes("upload", "--wait", str(clips.path("text_named_mp4")))

    async def delivery() -> dict[str, Any]:
        told = await stack.rushes("webhooks", "deliveries", webhook_id, "--json")
        return next(iter(json.loads(told.out)), {"answers": []})

    sent = await eventually(delivery, lambda one: bool(one["answers"]), within_seconds=60)
    assert (sent["status"], sent["event_type"], sent["answers"][0]["status"]) == ("pending", "video.error", None)
    lines = (await stack.rushes("webhooks", "deliveries", webhook_id)).out.splitlines()
    assert lines[0].split()[:3] == ["ID", "Status", "Event"]
    assert "video.error" in lines[1]
    for command, is_on in (("disable", False), ("enable", True)):
        assert (await stack.rushes("webhooks", command, webhook_id)).code == 0
        (line,) = [line for line in (await stack.rushes("webhooks", "list")).out.splitlines() if webhook_id in line]
        assert (" on " in line, gone in line) == (is_on, True)
    assert (await stack.rushes("webhooks", "resend", webhook_id, str(sent["id"]))).code == 0
    assert "(delivery_not_found)" in (await stack.rushes("webhooks", "resend", webhook_id, "0")).err
    assert (await stack.rushes("webhooks", "delete", webhook_id)).out == f"Deleted {webhook_id}.\n"
    assert webhook_id not in (await stack.rushes("webhooks", "list")).out
    assert "(webhook_not_found)" in (await stack.rushes("webhooks", "deliveries", webhook_id)).err


async def test_a_webhook_is_made_and_listed_and_a_private_address_is_refused(stack: Home) -> None:
    made = await stack.rushes("webhooks", "create", "https://app.example.com/", "--event", "video.ready")
    webhook_id, secret = made.out.split()
    assert secret.startswith("whsec_")
    assert webhook_id in (await stack.rushes("webhooks", "list")).out
    refused = await stack.rushes("webhooks", "create", "http://10.0.0.1/")
    assert refused.code == 1
    assert "(address_refused)" in refused.err
