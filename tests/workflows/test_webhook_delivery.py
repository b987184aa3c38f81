"""An event reaches its webhook, signed, however often that has to be tried; and what came of it is in the row."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError
from temporalio.client import Client, WorkflowFailureError
from temporalio.worker import Worker

from activities.error_types import ErrorTypeInterceptor
from activities.send_webhook import PAUSES, SendingRules, SendWebhookActivities
from contracts.status import VideoStatus
from contracts.webhooks import WEBHOOK_QUEUE, DeliveryStatus, delivery_workflow_id
from database.engine import Database
from database.tables import Webhook, WebhookDelivery, utc_now
from events.dispatch import WebhookDispatch, delivery_input
from events.signing import new_secret
from fetching.addresses import AddressRules
from fetching.posting import Poster
from runs.webhooks import TemporalWebhookRuns
from telemetry.steps import StepMetrics, StepMetricsInterceptor
from tests.database.samples import new_video, video_in
from tests.fetching.receiving import Receiver, receiving
from tests.waiting import eventually
from workflows.replay import replay_history
from workflows.webhook_delivery import WebhookDeliveryWorkflow

SECRET = new_secret()


@asynccontextmanager
async def sending(
    client: Client,
    database: Database,
    pauses: tuple[float, ...] = (0.05, 0.05),
    registry: CollectorRegistry | None = None,
) -> AsyncIterator[None]:
    """A worker that sends, with pauses that a test can wait for, measured in the registry."""
    poster = Poster(AddressRules(("127.0.0.0/8",)), timeout_seconds=1)
    activities = SendWebhookActivities(database.webhooks, poster, SendingRules(pauses))
    async with Worker(
        client,
        task_queue=WEBHOOK_QUEUE,
        workflows=[WebhookDeliveryWorkflow],
        activities=[activities.send_webhook, activities.give_up_webhook],
        interceptors=[
            StepMetricsInterceptor(StepMetrics(registry or CollectorRegistry())),
            ErrorTypeInterceptor(count_unforeseen=False),
        ],
    ):
        yield


async def webhook_at(database: Database, receiver: Receiver, *event_types: str, user_id: str = "local") -> Webhook:
    return await database.webhooks.add(
        Webhook(user_id=user_id, url=receiver.url, event_types=list(event_types), secret=SECRET)
    )


async def deliver(client: Client, database: Database, webhook: Webhook) -> list[WebhookDelivery]:
    """Start what is due, wait until all of it is over, and return how it stands; newest last."""
    await WebhookDispatch(database.webhooks, TemporalWebhookRuns(client)).start_due()
    for delivery, _, _ in await database.webhooks.deliveries(webhook.id, limit=100, before=None):
        handle = client.get_workflow_handle(delivery_workflow_id(delivery_input(delivery)))
        try:
            await handle.result(rpc_timeout=timedelta(seconds=30))
        except WorkflowFailureError:
            assert (await row_of(database, webhook, delivery.id)).status == DeliveryStatus.FAILED
        verdict = await replay_history(await handle.fetch_history())
        assert verdict.deterministic, verdict.explanation
    found = await database.webhooks.deliveries(webhook.id, limit=100, before=None)
    return [delivery for delivery, _, _ in found][::-1]


async def row_of(database: Database, webhook: Webhook, delivery_id: int | None) -> WebhookDelivery:
    found = await database.webhooks.deliveries(webhook.id, limit=100, before=None)
    return next(delivery for delivery, _, _ in found if delivery.id == delivery_id)


def statuses(delivery: WebhookDelivery) -> list[int | None]:
    return [answer["status"] for answer in delivery.answers]


async def test_an_event_is_sent_signed_with_the_video_as_everybody_sees_it(
    temporal_client: Client, database: Database
) -> None:
    async with receiving() as receiver, sending(temporal_client, database):
        webhook = await webhook_at(database, receiver, "video.ready")
        video = await video_in(database.videos, VideoStatus.READY)
        (delivery,) = await deliver(temporal_client, database, webhook)
    (received,) = receiver.received
    message: dict[str, Any] = Verifier(SECRET).verify(received.body, dict(received.headers))
    assert received.headers["content-type"] == "application/json"
    assert received.headers["webhook-id"] == f"evt_{delivery.event_id}"
    assert (message["type"], message["data"]["id"]) == ("video.ready", str(video.id))
    assert (message["data"]["status"], message["data"]["width"]) == ("ready", 1280)
    assert (delivery.status, statuses(delivery)) == (DeliveryStatus.DELIVERED, [204])
    with pytest.raises(WebhookVerificationError):
        Verifier(new_secret()).verify(received.body, dict(received.headers))


async def test_what_is_not_taken_is_sent_again_under_the_same_id(temporal_client: Client, database: Database) -> None:
    async with receiving(500, 0, 200) as receiver, sending(temporal_client, database):
        webhook = await webhook_at(database, receiver, "video.created")
        await video_in(database.videos, VideoStatus.UPLOADING)
        (delivery,) = await deliver(temporal_client, database, webhook)
    assert (delivery.status, statuses(delivery)) == (DeliveryStatus.DELIVERED, [500, None, 200])
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    for one in receiver.received:
        Verifier(SECRET).verify(one.body, dict(one.headers))


async def test_a_receiver_that_never_takes_it_is_told_of_and_can_be_sent_it_again(
    temporal_client: Client, database: Database
) -> None:
    registry = CollectorRegistry()
    async with receiving(500, 500, 302, 200) as receiver, sending(temporal_client, database, registry=registry):
        webhook = await webhook_at(database, receiver, "video.created")
        await video_in(database.videos, VideoStatus.UPLOADING)
        (failed,) = await deliver(temporal_client, database, webhook)
        assert (failed.status, statuses(failed), failed.next_attempt_at) == (
            DeliveryStatus.FAILED,
            [500, 500, 302],
            None,
        )
        await database.webhooks.send_again(webhook.id, failed.id or 0)
        (sent,) = await deliver(temporal_client, database, webhook)
    assert (sent.status, statuses(sent), sent.round) == (DeliveryStatus.DELIVERED, [500, 500, 302, 200], 2)
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    counted = {
        sample.labels["code"]: sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "rushes_step_failures_total"
    }
    assert counted == {"webhook_not_taken": 2, "webhook_failed": 1}, "operators are alerted of what is ours"


async def test_a_receiver_that_is_gone_gets_nothing_more(temporal_client: Client, database: Database) -> None:
    async with receiving(410) as receiver, sending(temporal_client, database):
        webhook = await webhook_at(database, receiver)
        video = await video_in(database.videos, VideoStatus.UPLOADING)
        (delivery,) = await deliver(temporal_client, database, webhook)
        assert (delivery.status, statuses(delivery)) == (DeliveryStatus.FAILED, [410])
        await database.videos.cancel_unstarted(video.id, None)
        assert len(await deliver(temporal_client, database, webhook)) == 1
    now = await database.webhooks.get(webhook.id, None)
    assert (now.is_enabled, now.disabled_reason) == (False, "The receiver has answered 410 Gone.")
    assert len(receiver.received) == 1


async def test_while_two_secrets_overlap_both_sign(temporal_client: Client, database: Database) -> None:
    newer = new_secret()
    async with receiving() as receiver, sending(temporal_client, database):
        webhook = await webhook_at(database, receiver, "video.created")
        for until in (utc_now() + timedelta(hours=1), utc_now() - timedelta(hours=1)):
            values = {"secret": newer, "former_secret": SECRET, "former_secret_until": until}
            await database.webhooks.change(webhook.id, values)
            await video_in(database.videos, VideoStatus.UPLOADING)
            await deliver(temporal_client, database, webhook)
    both, one = receiver.received
    for secret in (newer, SECRET):
        Verifier(secret).verify(both.body, dict(both.headers))
    Verifier(newer).verify(one.body, dict(one.headers))
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(one.body, dict(one.headers))


async def test_while_temporal_is_away_nothing_is_lost(temporal_client: Client, database: Database) -> None:
    async with receiving() as receiver:
        webhook = await webhook_at(database, receiver, "video.created")
        await video_in(database.videos, VideoStatus.UPLOADING)
        assert len(await database.webhooks.take_to_start(10)) == 1  # by a process that died before it started it
        assert await database.webhooks.take_to_start(10) == []
        async with database.transaction() as session:
            for delivery, _, _ in await database.webhooks.deliveries(webhook.id, limit=1, before=None):
                (await session.merge(delivery)).start_due_at = utc_now() - timedelta(seconds=1)
        async with sending(temporal_client, database):
            (delivered,) = await deliver(temporal_client, database, webhook)
    assert delivered.status == DeliveryStatus.DELIVERED
    assert json.loads(receiver.received[0].body)["type"] == "video.created"


async def test_many_webhooks_and_events_of_one_user_take_no_more_turns_than_one_of_another(
    temporal_client: Client, database: Database
) -> None:
    async with receiving() as receiver:
        many = [await webhook_at(database, receiver, "video.created", user_id="local") for _ in range(4)]
        one = await webhook_at(database, receiver, "video.created", user_id="bob")
        for _ in range(3):
            await video_in(database.videos, VideoStatus.UPLOADING)
        await database.videos.create_uploading(new_video("bob"))
        first = await database.webhooks.take_to_start(2)
        rest = await database.webhooks.take_to_start(100)
    shares = {due.delivery.webhook_id: due.share for due in first}
    assert shares == {one.id: 1, **{webhook.id: 0.25 for webhook in many if webhook.id in shares}}
    assert (len(first), len(rest)) == (2, 11)
    (bobs,) = [due for due in first if due.delivery.webhook_id == one.id]
    (anns,) = [due for due in first if due is not bobs]
    runs = TemporalWebhookRuns(temporal_client)
    for due in first:
        await runs.start(delivery_input(due.delivery, due.share), "An event")
    assert await turn_of(temporal_client, bobs.delivery) == (str(one.id), 1)
    assert await turn_of(temporal_client, anns.delivery) == (str(anns.delivery.webhook_id), 0.25)


async def turn_of(client: Client, delivery: WebhookDelivery) -> tuple[str, float]:
    """Whose turn the workflow uses up, and how much of it."""
    history = await client.get_workflow_handle(delivery_workflow_id(delivery_input(delivery))).fetch_history()
    priority = history.events[0].workflow_execution_started_event_attributes.priority
    return priority.fairness_key, priority.fairness_weight


@pytest.mark.parametrize("by", ["its owner", "itself"])
async def test_a_delivery_whose_workflow_is_lost_is_sent_all_the_same(
    temporal_client: Client, database: Database, by: str
) -> None:
    async with receiving(500, 200) as receiver, sending(temporal_client, database, pauses=(3600,)):
        webhook = await webhook_at(database, receiver, "video.created")
        await video_in(database.videos, VideoStatus.UPLOADING)
        dispatch = WebhookDispatch(database.webhooks, TemporalWebhookRuns(temporal_client))
        assert await dispatch.start_due() == 1
        (delivery,) = [row[0] for row in await database.webhooks.deliveries(webhook.id, limit=1, before=None)]
        tried = await eventually(
            lambda: row_of(database, webhook, delivery.id), lambda row: row.next_attempt_at is not None
        )
        await temporal_client.get_workflow_handle(delivery_workflow_id(delivery_input(tried))).terminate()
        if by == "itself":
            await look_at(database, tried, after=timedelta(hours=2))
        else:
            await database.webhooks.send_again(webhook.id, tried.id or 0)
        (sent,) = await deliver(temporal_client, database, webhook)
    assert (sent.status, statuses(sent), sent.round) == (DeliveryStatus.DELIVERED, [500, 200], 1)


async def test_a_delivery_that_has_its_workflow_waits_for_its_next_attempt_whoever_asks(
    temporal_client: Client, database: Database
) -> None:
    async with receiving(500) as receiver, sending(temporal_client, database, pauses=(3600,)):
        webhook = await webhook_at(database, receiver, "video.created")
        await video_in(database.videos, VideoStatus.UPLOADING)
        dispatch = WebhookDispatch(database.webhooks, TemporalWebhookRuns(temporal_client))
        assert await dispatch.start_due() == 1
        (delivery,) = [row[0] for row in await database.webhooks.deliveries(webhook.id, limit=1, before=None)]
        tried = await eventually(
            lambda: row_of(database, webhook, delivery.id), lambda row: row.next_attempt_at is not None
        )
        await database.webhooks.send_again(webhook.id, tried.id or 0)
        assert [await dispatch.start_due() for _ in range(2)] == [1, 0]
        put_off = (await row_of(database, webhook, tried.id)).start_due_at
        assert put_off is not None
        assert tried.next_attempt_at is not None
        assert put_off > tried.next_attempt_at, "Temporal is not asked again before that"
        await temporal_client.get_workflow_handle(delivery_workflow_id(delivery_input(tried))).terminate()
    assert len(receiver.received) == 1


async def look_at(database: Database, delivery: WebhookDelivery, *, after: timedelta) -> None:
    """Let that time have passed for the delivery."""
    query = text("UPDATE webhook_deliveries SET start_due_at = start_due_at - :after WHERE id = :id")
    async with database.transaction() as session:
        await session.execute(query, {"after": after, "id": delivery.id})


def test_it_is_tried_for_three_days() -> None:
    assert timedelta(days=3) < timedelta(seconds=sum(PAUSES)) < timedelta(days=3, hours=6)


def test_what_failed_together_does_not_come_back_together() -> None:
    for tried, pause in enumerate(PAUSES):
        told = [SendingRules().pause_after(tried).total_seconds() for _ in range(200)]
        assert 0.8 * pause <= min(told) < 0.9 * pause < 1.1 * pause < max(told) <= 1.2 * pause
