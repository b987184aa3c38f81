"""An event goes to its webhook: one attempt at a time, each with its answer in the row."""

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.heartbeat import heartbeats
from contracts.webhooks import DeliveryStatus
from database.webhooks import Answer, Parcel, Webhooks
from events.signing import signed_headers
from events.video_view import VideoView
from fetching.posting import Posted, Poster
from fetching.source_url import SourceUrl

_HOUR: Final = 3600
PAUSES: Final = (5, 300, 1800, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR)
"""Seconds between two attempts, as Standard Webhooks advises: ten of them in three days."""

_JITTER: Final = 0.2
"""So much shorter or longer is each pause: what failed together does not come back together."""

_GONE: Final = 410
_SUCCESSES: Final = range(200, 300)
_GAVE_UP: Final = "It was ended before the receiver took it. Have it sent again."


@dataclass(frozen=True)
class SendWebhookInput:
    """Which delivery.

    Attributes:
        delivery_id: Of the row.
        round: Which time it is sent.
    """

    delivery_id: int
    round: int


@dataclass(frozen=True)
class SendingRules:
    """How it is tried.

    Attributes:
        pauses: Seconds between two attempts; after the last of them it has failed.
        jitter: By which part each may be shorter or longer.
    """

    pauses: Sequence[float] = field(default=PAUSES)
    jitter: float = _JITTER

    def pause_after(self, tried: int) -> timedelta:
        """How long to wait after so many attempts and one more that failed; never twice the same."""
        shorter_or_longer = random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311 # no secret
        return timedelta(seconds=self.pauses[tried] * shorter_or_longer)


class SendWebhookActivities:
    """``send_webhook`` and ``give_up_webhook`` with their dependencies."""

    def __init__(self, webhooks: Webhooks, poster: Poster, rules: SendingRules | None = None) -> None:
        self._webhooks = webhooks
        self._poster = poster
        self._rules = rules or SendingRules()

    @activity.defn
    async def send_webhook(self, request: SendWebhookInput) -> None:
        """Send the event once. Over already, or switched off, is a success.

        How often it was tried is counted in the row, so that lost workers use up none of the attempts.

        Raises:
            ApplicationError: ``webhook_not_taken``: it is tried again, when the error says; ``webhook_failed``: not any
                more; ``webhook_gone``: the receiver wants nothing more at all, and gets nothing more.
            DatabaseUnavailable: PostgreSQL does not answer; receivers know the message's id, should it come twice.
        """
        parcel = await self._webhooks.parcel(request.delivery_id, request.round)
        if parcel is None:
            return
        if not parcel.webhook.is_enabled:
            await self._end(request, None, DeliveryStatus.FAILED)
            raise _final("webhook_failed", "The webhook is switched off.")
        began_at, begun = datetime.now(UTC), time.monotonic()
        async with heartbeats():
            posted = await self._post(parcel)
        answer = Answer(
            began_at.isoformat(), request.round, round(time.monotonic() - begun, 3), posted.status, posted.detail
        )
        if posted.status in _SUCCESSES:
            await self._end(request, answer, DeliveryStatus.DELIVERED)
        elif posted.status == _GONE:
            await self._end(request, answer, DeliveryStatus.FAILED)
            await self._webhooks.disable(parcel.webhook.id, "The receiver has answered 410 Gone.")
            raise _final("webhook_gone", "The receiver has answered 410 Gone.")
        else:
            await self._try_again(request, parcel, answer)

    @activity.defn
    async def give_up_webhook(self, request: SendWebhookInput) -> None:
        """Say that a round has failed that nothing has come of. Over already is a success."""
        now = datetime.now(UTC).isoformat()
        async with heartbeats():
            await self._end(request, Answer(now, request.round, 0.0, None, _GAVE_UP), DeliveryStatus.FAILED)

    async def _post(self, parcel: Parcel) -> Posted:
        event = parcel.event
        video = VideoView.of_event(event).model_dump(mode="json")
        message = {"type": event.type, "timestamp": event.created_at.isoformat(), "data": video}
        body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        signed = signed_headers(message_id(event.id), int(time.time()), body, parcel.secrets)
        headers = {"Content-Type": "application/json", **signed}
        return await self._poster.post(SourceUrl.parse(parcel.webhook.url), headers, body)

    async def _end(self, request: SendWebhookInput, answer: Answer | None, status: DeliveryStatus) -> None:
        await self._webhooks.note_answer(request.delivery_id, request.round, answer=answer, status=status)

    async def _try_again(self, request: SendWebhookInput, parcel: Parcel, answer: Answer) -> None:
        said = answer.detail if answer.status is None else f"The receiver has answered {answer.status}."
        tried = sum(earlier.get("round") == request.round for earlier in parcel.delivery.answers)
        if tried >= len(self._rules.pauses):
            await self._end(request, answer, DeliveryStatus.FAILED)
            raise _final("webhook_failed", said)
        pause = self._rules.pause_after(tried)
        await self._webhooks.note_answer(
            request.delivery_id,
            request.round,
            answer=answer,
            status=DeliveryStatus.PENDING,
            pause=pause,
        )
        raise ApplicationError(
            said, type="webhook_not_taken", next_retry_delay=pause, category=ApplicationErrorCategory.BENIGN
        )


def message_id(event_id: int) -> str:
    """By which receivers know a message that comes twice."""
    return f"evt_{event_id}"


def _final(kind: str, sentence: str) -> ApplicationError:
    """Benign, as each attempt before it: the fault is the receiver's, whose owner is told by the delivery's answers."""
    return ApplicationError(sentence, type=kind, non_retryable=True, category=ApplicationErrorCategory.BENIGN)
