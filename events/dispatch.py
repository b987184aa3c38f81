"""What is to be delivered to webhooks gets its workflow: soon after the event, however Temporal was meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

import structlog

from contracts.errors import DatabaseUnavailable
from contracts.webhooks import WebhookDeliveryInput
from database.tables import WebhookDelivery
from database.webhooks import DueDelivery, Webhooks
from runs.records import TemporalUnavailable
from runs.webhooks import WebhookRuns
from storage.side_by_side import side_by_side

_BATCH: Final = 20
"""So few at a time: who comes meanwhile is waited for by no more than these."""

_AT_ONCE: Final = 10
_UNASKED_SECONDS: Final = 15.0
"""So often it is looked without being told: for what could not be started before."""

_logger = structlog.stdlib.get_logger(__name__)


class WebhookDispatch:
    """Starts deliveries. Any number of processes may: each takes others.

    Args:
        webhooks: The rows.
        runs: Starts the workflows.
    """

    def __init__(self, webhooks: Webhooks, runs: WebhookRuns) -> None:
        self._webhooks = webhooks
        self._runs = runs
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There may be something to start."""
        self._news.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start what there is for as long as the block lasts."""
        task = asyncio.create_task(self._start_always(), name="webhooks: start")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _start_always(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_UNASKED_SECONDS):
                    await self._news.wait()
            self._news.clear()
            try:
                while await self.start_due() == _BATCH:
                    pass
            except (DatabaseUnavailable, TemporalUnavailable) as error:
                _logger.warning("webhooks not started", reason=str(error))
            except Exception:  # one delivery must not end the loop that starts all others
                _logger.exception("webhooks not started")

    async def start_due(self) -> int:
        """Start some of what is due, and say how many there were. What can't be started is due again in a minute.

        Raises:
            DatabaseUnavailable: As is.
            TemporalUnavailable: As is.
        """
        due = await self._webhooks.take_to_start(_BATCH)
        await side_by_side([partial(self._start, one) for one in due], _AT_ONCE)
        return len(due)

    async def _start(self, due: DueDelivery) -> None:
        request = delivery_input(due.delivery, due.share)
        if not await self._runs.start(request, f"Event {due.delivery.event_id}"):
            await self._webhooks.note_open(request.delivery_id, request.round)


def delivery_input(delivery: WebhookDelivery, share: float = 1.0) -> WebhookDeliveryInput:
    """What starts the delivery of the row; its webhook has this share of a turn."""
    return WebhookDeliveryInput(delivery.id or 0, str(delivery.webhook_id), delivery.round, share)
