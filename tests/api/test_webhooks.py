"""Where events are sent is its user's affair, and what came of each can be looked at and sent again."""

import asyncio
import json
from datetime import datetime
from typing import Any

import httpx
import pytest

from api.services import Services
from contracts.status import VideoStatus
from contracts.webhooks import DeliveryStatus
from database.engine import Database
from database.webhooks import MOST_WEBHOOKS, Answer, Parcel
from storage.disk import DiskStorage
from tests.api.accounts import bearer, key_of
from tests.api.rows import make_video
from tests.api.running import RecordedWebhookRuns, until
from tests.database.samples import video_in

WEBHOOKS = "/api/v1/webhooks"
WANTED = {"url": "https://app.example.com/rushes", "event_types": ["video.ready", "video.error"], "description": "Ours"}


async def made(client: httpx.AsyncClient, **wanted: Any) -> dict[str, Any]:
    answer = await client.post(WEBHOOKS, json=WANTED | wanted)
    assert answer.status_code == 201, answer.text
    webhook: dict[str, Any] = answer.json()
    return webhook


async def test_a_webhook_is_made_read_changed_and_deleted_and_its_secret_is_shown_once(
    client: httpx.AsyncClient,
) -> None:
    webhook = await made(client)
    secret = webhook.pop("secret")
    assert secret.startswith("whsec_")
    here = f"{WEBHOOKS}/{webhook['id']}"
    assert (webhook["is_enabled"], webhook["event_types"]) == (True, WANTED["event_types"])
    assert (await client.get(here)).json() == webhook
    assert (await client.get(WEBHOOKS)).json() == {"items": [webhook]}
    changed = await client.patch(here, json={"is_enabled": False, "event_types": []})
    assert changed.json() == webhook | {"is_enabled": False, "event_types": []}
    assert (await client.patch(here, json={"url": "https://other.example/"})).json()["url"] == "https://other.example/"
    assert (await client.delete(here)).status_code == 204
    assert (await client.get(here)).status_code == 404


async def test_a_rotated_secret_overlaps_the_one_before(client: httpx.AsyncClient, database: Database) -> None:
    webhook = await made(client)
    await video_in(database.videos, VideoStatus.READY)
    (due,) = await database.webhooks.take_to_start(1)

    async def secrets() -> list[str]:
        parcel = await database.webhooks.parcel(due.delivery.id or 0, 1)
        assert isinstance(parcel, Parcel)
        return parcel.secrets

    answer = await client.post(f"{WEBHOOKS}/{webhook['id']}/secret", json={"overlap_seconds": 3600})
    newer = answer.json()["secret"]
    assert newer != webhook["secret"]
    assert await secrets() == [newer, webhook["secret"]]
    again = await client.post(f"{WEBHOOKS}/{webhook['id']}/secret", json={"overlap_seconds": 3600})
    newest = again.json()["secret"]
    assert await secrets() == [newest, newer, webhook["secret"]], "which of them the receiver has is not known"
    shown = (await client.get(f"{WEBHOOKS}/{webhook['id']}")).text
    assert not [secret for secret in await secrets() if secret in shown]
    await client.post(f"{WEBHOOKS}/{webhook['id']}/secret", json={"overlap_seconds": 0})
    assert len(await secrets()) == 1


async def test_secrets_that_are_rotated_at_once_all_sign_and_no_more_of_them_than_a_few(
    client: httpx.AsyncClient, database: Database
) -> None:
    webhook = await made(client)
    await video_in(database.videos, VideoStatus.READY)
    (due,) = await database.webhooks.take_to_start(1)

    async def rotated() -> str:
        answer = await client.post(f"{WEBHOOKS}/{webhook['id']}/secret", json={"overlap_seconds": 60})
        return str(answer.json()["secret"])

    async def secrets() -> list[str]:
        parcel = await database.webhooks.parcel(due.delivery.id or 0, 1)
        assert isinstance(parcel, Parcel)
        return parcel.secrets

    handed_out = set(await asyncio.gather(*(rotated() for _ in range(4))))
    assert {*await secrets()} == handed_out | {webhook["secret"]}
    newest = [await rotated() for _ in range(10)][::-1]
    assert await secrets() == newest


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"url": "ftp://app.example.com/"}, 422, "invalid_url"),
        ({"url": "https://name:password@app.example.com/"}, 422, "invalid_url"),
        ({"url": "http://127.0.0.1:8000/"}, 422, "address_refused"),
        ({"url": "http://169.254.169.254/"}, 422, "address_refused"),
        ({"url": "http://localhost/"}, 422, "address_refused"),
        ({"event_types": ["video.finished"]}, 422, "invalid_request"),
        ({"event_types": ["video.progress"]}, 422, "invalid_request"),
        ({"secret": "mine"}, 422, "invalid_request"),
        ({"url": f"https://app.example.com/{'ä' * 1000}"}, 422, "invalid_url"),
        ({"description": "a\x00"}, 422, "invalid_request"),
        ({"description": "\ud800"}, 422, "invalid_request"),
    ],
)
async def test_a_webhook_that_can_not_be_is_refused(
    client: httpx.AsyncClient, wanted: dict[str, object], status: int, code: str
) -> None:
    body = json.dumps(WANTED | wanted)
    refused = await client.post(WEBHOOKS, content=body, headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert (await client.get(WEBHOOKS)).json() == {"items": []}


async def test_a_user_has_so_many_webhooks_and_no_more(client: httpx.AsyncClient) -> None:
    for _ in range(MOST_WEBHOOKS):
        await made(client)
    refused = await client.post(WEBHOOKS, json=WANTED)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_webhooks")


async def test_events_are_for_the_webhooks_of_their_user_that_want_them_and_are_on(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    wanted = await made(client)
    everything = await made(client, event_types=[])
    off = await made(client)
    await client.patch(f"{WEBHOOKS}/{off['id']}", json={"is_enabled": False})
    ann = await key_of(database, "ann")
    root = await key_of(database, "root", is_admin=True)
    of_ann = (await client.post(WEBHOOKS, json=WANTED, headers=bearer(ann))).json()
    video = await make_video(database, storage, VideoStatus.READY)

    async def delivered_to(webhook: dict[str, Any]) -> list[tuple[str, str]]:
        answer = await client.get(f"{WEBHOOKS}/{webhook['id']}/deliveries", headers=bearer(root))
        assert answer.status_code == 200, answer.text
        return [(one["event_type"], one["video_id"]) for one in answer.json()["items"]]

    here = str(video.id)
    assert await delivered_to(wanted) == [("video.ready", here)]
    assert await delivered_to(everything) == [
        ("video.ready", here),
        ("video.uploaded", here),
        ("video.created", here),
    ]
    assert await delivered_to(off) == []
    assert await delivered_to(of_ann) == []
    foreign = await client.get(f"{WEBHOOKS}/{wanted['id']}", headers=bearer(ann))
    assert (foreign.status_code, foreign.json()["code"]) == (404, "webhook_not_found")


async def test_the_oldest_delivery_that_waits_is_known_and_what_was_sent_again_by_hand_is_left_out(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    assert await database.webhooks.oldest_pending_at() is None
    webhook = await made(client, event_types=["video.created", "video.ready"])
    here = f"{WEBHOOKS}/{webhook['id']}/deliveries"
    await make_video(database, storage, VideoStatus.READY)
    newer, older = (await client.get(here)).json()["items"]
    assert await database.webhooks.oldest_pending_at() == datetime.fromisoformat(older["created_at"])
    await database.webhooks.note_answer(older["id"], 1, answer=None, status=DeliveryStatus.FAILED)
    assert await database.webhooks.oldest_pending_at() == datetime.fromisoformat(newer["created_at"])
    await client.post(f"{here}/{older['id']}/resend")
    await database.webhooks.note_answer(newer["id"], 1, answer=None, status=DeliveryStatus.DELIVERED)
    assert await database.webhooks.oldest_pending_at() is None


async def test_deliveries_are_listed_with_their_answers_in_pages_and_can_be_sent_again(
    client: httpx.AsyncClient, services: Services, database: Database, storage: DiskStorage
) -> None:
    webhook = await made(client, event_types=[])
    here = f"{WEBHOOKS}/{webhook['id']}/deliveries"
    await make_video(database, storage, VideoStatus.READY)
    first = (await client.get(here, params={"limit": 2})).json()
    second = (await client.get(here, params={"limit": 2, "before": first["next_before"]})).json()
    assert [one["event_type"] for one in first["items"] + second["items"]] == [
        "video.ready",
        "video.uploaded",
        "video.created",
    ]
    assert second["next_before"] is None
    delivery = first["items"][0]
    again = f"{here}/{delivery['id']}/resend"
    assert (await client.post(again)).status_code == 202
    assert (await client.get(here)).json()["items"][0]["status"] == "pending", "it is on its way already"
    answer = Answer("2026-01-01T00:00:00+00:00", 1, 0.2, 500, "Oh")
    await database.webhooks.note_answer(delivery["id"], 1, answer=answer, status=DeliveryStatus.FAILED)
    failed = (await client.get(here)).json()["items"][0]
    assert (failed["status"], failed["answers"][0]["status"], failed["answers"][0]["detail"]) == ("failed", 500, "Oh")
    assert (await client.post(again)).status_code == 202
    runs = services.webhook_runs
    assert isinstance(runs, RecordedWebhookRuns)
    await until(lambda: any((one.delivery_id, one.round) == (delivery["id"], 2) for one in runs.started))
    huge = await client.get(here, params={"before": 2**64})
    assert (huge.status_code, huge.json()["code"]) == (422, "invalid_request")
    missing = await client.post(f"{here}/999999/resend")
    assert (missing.status_code, missing.json()["code"]) == (404, "delivery_not_found")
