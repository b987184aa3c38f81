"""``rushes webhooks``, against the whole service."""

import asyncio
import json
from typing import Any

import pytest
from standardwebhooks import Webhook

from events.signing import new_secret
from tests.fetching.receiving import receiving
from tests.fixtures.clips import Clips
from tests.fixtures.stack import Home
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(180)


SECRET = new_secret()


async def test_listen_prints_what_happens_and_forwards_it_signed(stack: Home, clips: Clips) -> None:
    async with receiving() as receiver:
        listening = await stack.begin("webhooks", "listen", "--json", "--secret", SECRET, "--forward-to", receiver.url)
        assert listening.stdout is not None
        assert listening.stderr is not None
        try:
            async with asyncio.timeout(120):
                assert (await listening.stderr.readline()).decode().split()[-1] == SECRET
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
        message = Webhook(SECRET).verify(received.body, dict(received.headers))
        assert (message["type"], message["data"]) == (event["type"], event["data"])


async def test_a_video_that_becomes_ready_is_sent_to_its_webhook(stack: Home, clips: Clips) -> None:
    async with receiving() as receiver:
        made = await stack.rushes("webhooks", "create", receiver.url, "--event", "video.ready")
        _, secret = made.out.split()
        clip = str(clips.path("short_with_sound"))
        ended = await stack.rushes("upload", "--wait", "--metadata", "order=0815", clip)
        async with asyncio.timeout(60):
            while not receiver.received:
                await asyncio.sleep(0.05)
    (received,) = receiver.received
    message = Webhook(secret).verify(received.body, dict(received.headers))
    assert (message["type"], message["data"]["id"]) == ("video.ready", ended.out.strip())
    assert message["data"]["metadata"] == {"order": "0815"}


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
    unsaid = await stack.rushes("webhooks", "delete", webhook_id)
    assert (unsaid.code, unsaid.out) == (2, "")
    assert f"Delete the webhook to {gone}, and what is known of its deliveries? Say so with --yes." in unsaid.err
    assert webhook_id in (await stack.rushes("webhooks", "list")).out
    assert (await stack.rushes("webhooks", "delete", "--yes", webhook_id)).out == f"Deleted {webhook_id}.\n"
    assert webhook_id not in (await stack.rushes("webhooks", "list")).out
    assert "(webhook_not_found)" in (await stack.rushes("webhooks", "deliveries", webhook_id)).err


async def test_a_webhook_is_made_and_listed_and_a_private_address_is_refused(stack: Home) -> None:
    made = await stack.rushes("webhooks", "create", "https://app.example.com/", "--event", "video.ready")
    webhook_id, secret = made.out.split()
    assert secret.startswith("whsec_")
    assert webhook_id in (await stack.rushes("webhooks", "list")).out
    beginning = webhook_id[:8]
    changed = ("--url", "https://b.example.com/", "--event", "video.error")
    edited = await stack.rushes("webhooks", "edit", beginning, *changed)
    assert edited.out == f"{webhook_id}: video.error to https://b.example.com/\n"
    rows = {row["id"]: row for row in json.loads((await stack.rushes("webhooks", "list", "--json")).out)}
    assert rows[webhook_id]["url"] == "https://b.example.com/"
    assert (await stack.rushes("webhooks", "edit", beginning)).code == 2
    rotated = json.loads((await stack.rushes("webhooks", "rotate", beginning, "--overlap", "60", "--json")).out)
    assert rotated["id"] == webhook_id
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != secret
    assert (await stack.rushes("webhooks", "delete", "--yes", beginning)).out == f"Deleted {webhook_id}.\n"
    badly = await stack.rushes("webhooks", "listen", "--forward-to", "http://127.0.0.1:9", "--secret", "whsec_abc")
    assert (badly.code, "whsec_" in badly.err) == (2, True)
    refused = await stack.rushes("webhooks", "create", "http://10.0.0.1/")
    assert refused.code == 1
    assert "(address_refused)" in refused.err
