"""Every query on webhooks and what is delivered to them. Each method is one transaction."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from contracts.refusals import RefusalCode, Refused
from contracts.webhooks import DeliveryStatus
from database.events import StoredEvent, stored
from database.tables import Event, User, Webhook, WebhookDelivery

MOST_WEBHOOKS: Final = 20
_MOST_ANSWERS: Final = 20
_MOST_OLDER: Final = 8
"""Secrets from before the former one that sign as well; a message has a signature by each."""

_START_AGAIN: Final = timedelta(minutes=1)
"""Until then a workflow that was to be started has tried for the first time, unless no worker is there."""

_OVERDUE: Final = timedelta(minutes=15)
"""So long after its attempt was to be, a delivery has lost its workflow, or there is much to do."""


@dataclass(frozen=True)
class Answer:
    """What came of one attempt to deliver.

    Attributes:
        at: When it began, in ISO 8601.
        round: Which time it was sent.
        seconds: How long it took.
        status: Of HTTP; None where there was no answer.
        detail: The beginning of the answer, or why there was none.
    """

    at: str
    round: int
    seconds: float
    status: int | None
    detail: str


@dataclass(frozen=True)
class Parcel:
    """What is to be delivered where.

    Attributes:
        delivery: The row.
        webhook: Where to.
        event: What.
        asked_at: When it was asked for, by the database's clock.
    """

    delivery: WebhookDelivery
    webhook: Webhook
    event: StoredEvent
    asked_at: datetime

    @property
    def secrets(self) -> list[str]:
        """Those that sign now, the newest first: those before it for as long as they overlap."""
        return [self.webhook.secret, *(secret for secret, _ in _former_secrets(self.webhook, self.asked_at))]


@dataclass(frozen=True)
class DueDelivery:
    """A delivery whose workflow is to be started.

    Attributes:
        delivery: The row.
        share: Which part of its user's turns its webhook has: one in as many as the user has webhooks.
    """

    delivery: WebhookDelivery
    share: float


class Webhooks:
    """The queries. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        """Take the way to open a transaction, ``Database.transaction``."""
        self._transaction = transaction

    # Webhooks

    async def add(self, webhook: Webhook) -> Webhook:
        """Insert it. Raises ``Refused`` where its user has too many."""
        count = select(func.count()).select_from(Webhook).where(col(Webhook.user_id) == webhook.user_id)
        async with self._transaction() as session:
            await session.scalar(select(User).where(col(User.name) == webhook.user_id).with_for_update())
            if (await session.scalar(count) or 0) >= MOST_WEBHOOKS:
                raise Refused(RefusalCode.TOO_MANY_WEBHOOKS, f"A user may have {MOST_WEBHOOKS} webhooks.")
            session.add(webhook)
        return webhook

    async def of_user(self, user_id: str | None) -> list[Webhook]:
        """A user's, or everybody's, the oldest first."""
        query = select(Webhook).order_by(col(Webhook.created_at), col(Webhook.id))
        if user_id is not None:
            query = query.where(col(Webhook.user_id) == user_id)
        async with self._transaction() as session:
            return list(await session.scalars(query))

    async def get(self, webhook_id: UUID, user_id: str | None) -> Webhook:
        """The row; with ``user_id`` only if it is that user's. Raises ``Refused`` where there is none."""
        async with self._transaction() as session:
            webhook = await session.get(Webhook, webhook_id)
        if webhook is None or user_id not in {None, webhook.user_id}:
            raise Refused(RefusalCode.WEBHOOK_NOT_FOUND, f"There is no webhook {webhook_id}.")
        return webhook

    async def change(self, webhook_id: UUID, values: dict[str, Any]) -> Webhook | None:
        """Set these columns. None when it is gone."""
        query = update(Webhook).where(col(Webhook.id) == webhook_id).values(values).returning(Webhook)
        async with self._transaction() as session:
            return cast("Webhook | None", await session.scalar(query))

    async def rotate(self, webhook_id: UUID, secret: str, overlap: timedelta) -> Webhook | None:
        """Have this secret sign, and for so long at most all before it that still do. None when it is gone.

        Which of them the receiver has is not known: a new one may be asked for twice, as where an answer was lost.
        """
        query = select(Webhook, func.now()).where(col(Webhook.id) == webhook_id).with_for_update()
        async with self._transaction() as session:
            found = (await session.execute(query)).one_or_none()
            if found is None:
                return None
            webhook, now = found
            until = now + overlap
            former = [(one, min(ends, until)) for one, ends in _former_secrets(webhook, now)]
            webhook.older_secrets = [{"secret": one, "until": ends.isoformat()} for one, ends in former[:_MOST_OLDER]]
            webhook.former_secret, webhook.former_secret_until = webhook.secret, until
            webhook.secret = secret
        return webhook

    async def delete(self, webhook_id: UUID) -> None:
        """Remove it and its deliveries. Gone already is a success."""
        async with self._transaction() as session:
            await session.execute(delete(Webhook).where(col(Webhook.id) == webhook_id))

    # Deliveries

    async def deliveries(
        self, webhook_id: UUID, *, limit: int, before: int | None
    ) -> Sequence[tuple[WebhookDelivery, str, UUID]]:
        """Deliveries before that id, newest first, each with its event's type and video."""
        query = (
            select(WebhookDelivery, col(Event.type), col(Event.video_id))
            .join(Event, col(Event.id) == col(WebhookDelivery.event_id))
            .where(col(WebhookDelivery.webhook_id) == webhook_id)
            .order_by(col(WebhookDelivery.id).desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(col(WebhookDelivery.id) < before)
        async with self._transaction() as session:
            return [(row[0], row[1], row[2]) for row in (await session.execute(query)).all()]

    async def count_by_status(self) -> dict[str, int]:
        """How many deliveries stand where."""
        query = select(col(WebhookDelivery.status), func.count()).group_by(col(WebhookDelivery.status))
        async with self._transaction() as session:
            found = {row[0]: row[1] for row in (await session.execute(query)).all()}
        return {status.value: found.get(status.value, 0) for status in DeliveryStatus}

    async def oldest_pending_at(self) -> datetime | None:
        """When the oldest delivery that waits since came about; those that were sent again are left out."""
        delivery = WebhookDelivery
        waits = (col(delivery.start_due_at).is_not(None), col(delivery.status) == DeliveryStatus.PENDING)
        query = select(func.min(col(delivery.created_at))).where(*waits, col(delivery.round) == 1)
        async with self._transaction() as session:
            found: datetime | None = (await session.execute(query)).scalar_one()
        return found

    async def send_again(self, webhook_id: UUID, delivery_id: int) -> None:
        """Let an ended delivery begin anew; one that is on its way stays as it is, if its workflow is still there.

        Raises:
            Refused: There is none.
        """
        known = (col(WebhookDelivery.id) == delivery_id, col(WebhookDelivery.webhook_id) == webhook_id)
        async with self._transaction() as session:
            row = (await session.execute(_with_time().where(*known))).one_or_none()
            if row is None:
                raise Refused(RefusalCode.DELIVERY_NOT_FOUND, f"There is no delivery {delivery_id} of this webhook.")
            delivery, now = row
            if delivery.status != DeliveryStatus.PENDING:
                delivery.status = DeliveryStatus.PENDING
                delivery.round += 1
                delivery.next_attempt_at = None
            delivery.start_due_at = now

    async def take_to_start(self, limit: int) -> list[DueDelivery]:
        """Deliveries whose workflow is to be started now. Should nothing come of it, they are due again in a minute.

        Users take turns, so that a thousand of one keep nobody else's waiting.
        """
        due_at, is_due = col(WebhookDelivery.start_due_at), col(WebhookDelivery.start_due_at) <= func.now()
        turn = func.row_number().over(partition_by=col(Webhook.user_id), order_by=(due_at, col(WebhookDelivery.id)))
        in_turn = (
            select(col(WebhookDelivery.id), turn.label("turn"))
            .join(Webhook, col(Webhook.id) == col(WebhookDelivery.webhook_id))
            .where(is_due)
            .subquery()
        )
        due = (
            select(col(WebhookDelivery.id))
            .join(in_turn, in_turn.c.id == col(WebhookDelivery.id))
            .where(is_due)  # once more: what another process has taken meanwhile is not
            .order_by(in_turn.c.turn, due_at)
            .limit(limit)
            .with_for_update(of=WebhookDelivery, skip_locked=True)
        )
        theirs, of_same_user = aliased(Webhook), aliased(Webhook)
        webhooks = (
            select(func.count())
            .join_from(theirs, of_same_user, col(theirs.user_id) == col(of_same_user.user_id))
            .where(col(theirs.id) == col(WebhookDelivery.webhook_id))
            .correlate(WebhookDelivery)
            .scalar_subquery()
        )
        taken = (
            update(WebhookDelivery)
            .where(col(WebhookDelivery.id).in_(due))
            .values(start_due_at=func.now() + _START_AGAIN)
            .returning(WebhookDelivery, webhooks)
        )
        async with self._transaction() as session:
            return [DueDelivery(row[0], 1 / max(1, row[1])) for row in (await session.execute(taken)).all()]

    async def note_open(self, delivery_id: int, round_: int) -> None:
        """Say that the round has its workflow already: it is looked at again when its next attempt is overdue."""
        next_attempt = func.greatest(func.now(), col(WebhookDelivery.next_attempt_at))
        known = update(WebhookDelivery).where(col(WebhookDelivery.id) == delivery_id, *_open(round_))
        async with self._transaction() as session:
            await session.execute(known.values(start_due_at=next_attempt + _OVERDUE))

    async def parcel(self, delivery_id: int, round_: int) -> Parcel | None:
        """What this round is to deliver; None where it is over, or webhook or event are gone, or it is switched off.

        A round that has come so far needs not be started any more, unless nothing is heard of it.
        """
        query = (
            select(WebhookDelivery, Webhook, Event, func.now())
            .join(Webhook, col(Webhook.id) == col(WebhookDelivery.webhook_id))
            .join(Event, col(Event.id) == col(WebhookDelivery.event_id))
            .where(col(WebhookDelivery.id) == delivery_id, *_open(round_))
        )
        begun = update(WebhookDelivery).where(col(WebhookDelivery.id) == delivery_id, *_open(round_))
        async with self._transaction() as session:
            row = (await session.execute(query)).one_or_none()
            if row is None:
                return None
            await session.execute(begun.values(start_due_at=func.now() + _OVERDUE))
        return Parcel(row[0], row[1], stored(row[2]), row[3])

    async def note_answer(
        self,
        delivery_id: int,
        round_: int,
        *,
        answer: Answer | None,
        status: DeliveryStatus,
        pause: timedelta | None = None,
    ) -> None:
        """Say what came of an attempt, and where the delivery stands now; a round that is over stays as it is.

        Args:
            delivery_id: Of the row.
            round_: Which time it is sent.
            answer: What came; None for what was not sent.
            status: Where it stands.
            pause: How long from now on until it is tried again; None where it is not.
        """
        async with self._transaction() as session:
            query = _with_time().where(col(WebhookDelivery.id) == delivery_id, *_open(round_))
            row = (await session.execute(query)).one_or_none()
            if row is None:
                return
            delivery, now = row
            if answer is not None:
                delivery.answers = [*delivery.answers, asdict(answer)][-_MOST_ANSWERS:]
            delivery.status = status
            delivery.next_attempt_at = None if pause is None else now + pause
            is_over = status != DeliveryStatus.PENDING
            delivery.start_due_at = None if is_over else (delivery.next_attempt_at or now) + _OVERDUE

    async def disable(self, webhook_id: UUID, reason: str) -> None:
        """Send it nothing more, until its user switches it on again."""
        await self.change(webhook_id, {"is_enabled": False, "disabled_reason": reason})


def _former_secrets(webhook: Webhook, at: datetime) -> list[tuple[str, datetime]]:
    """Those that sign beside the newest then, the newest first, each with when it ends."""
    former = [(one["secret"], datetime.fromisoformat(one["until"])) for one in webhook.older_secrets]
    if webhook.former_secret is not None and webhook.former_secret_until is not None:
        former = [(webhook.former_secret, webhook.former_secret_until), *former]
    return [(secret, until) for secret, until in former if until > at]


def _with_time() -> Select[WebhookDelivery, datetime]:
    """A delivery that is to be changed, and the time by the database's clock."""
    return select(WebhookDelivery, func.now()).with_for_update(of=WebhookDelivery)


def _open(round_: int) -> tuple[Any, ...]:
    return (
        col(WebhookDelivery.round) == round_,
        col(WebhookDelivery.status) == DeliveryStatus.PENDING,
    )
