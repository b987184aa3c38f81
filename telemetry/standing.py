"""How the whole service stands, asked anew for each scrape: every api process tells the same."""

import asyncio
from collections.abc import Awaitable, Iterator
from datetime import UTC, datetime
from typing import Final, TypeVar

from prometheus_client.core import GaugeMetricFamily, Metric

from contracts.errors import DatabaseUnavailable, StorageFailed
from contracts.status import VideoStatus
from database.events import Events
from database.tables import Video
from database.videos import Videos
from database.webhooks import Webhooks
from runs.protocol import Runs
from runs.records import TemporalUnavailable
from runs.workers import serving
from storage.protocol import Storage

_PATIENCE_SECONDS: Final = 5.0
_AWAY: Final = (DatabaseUnavailable, TemporalUnavailable, StorageFailed, TimeoutError)

Answer = TypeVar("Answer")


class Standing:
    """Asks database, Temporal and storage, and makes metrics of it. What does not answer is left out.

    Args:
        videos: The rows.
        events: Which of them run.
        webhooks: What is to be delivered.
        runs: Queues and workers.
        storage: The files.
        patience_seconds: How long each is waited for.
    """

    def __init__(
        self,
        videos: Videos,
        events: Events,
        webhooks: Webhooks,
        runs: Runs,
        storage: Storage,
        *,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        self._videos = videos
        self._events = events
        self._webhooks = webhooks
        self._runs = runs
        self._storage = storage
        self._patience_seconds = patience_seconds

    async def metrics(self) -> list[Metric]:
        """The metrics of now."""
        seconds = self._patience_seconds
        found = await asyncio.gather(
            _within(seconds, self._of_rows()),
            _within(seconds, self._of_temporal()),
            _within(seconds, self._of_storage()),
        )
        up = GaugeMetricFamily("rushes_dependency_up", "Whether it answered this scrape.", labels=["dependency"])
        for name, metrics in zip(("database", "temporal", "storage"), found, strict=True):
            up.add_metric([name], float(metrics is not None))
        return [up, *(metric for metrics in found for metric in metrics or ())]

    async def _of_rows(self) -> list[Metric]:
        counts = await self._videos.count_by_status()
        running = await self._events.running(user_ids=None, video_ids=(), limit=1)
        deliveries = await self._webhooks.count_by_status()
        pending_since = await self._webhooks.oldest_pending_at()
        videos = GaugeMetricFamily("rushes_videos", "Videos by status.", labels=["status"])
        for status, count in counts.items():
            videos.add_metric([VideoStatus(status).value], count)
        since = _waits_since(running[0]) if running else None
        waiting = GaugeMetricFamily("rushes_webhook_deliveries", "Deliveries to webhooks.", labels=["status"])
        for delivery_status, count in deliveries.items():
            waiting.add_metric([delivery_status], count)
        oldest = GaugeMetricFamily(
            "rushes_oldest_processing_seconds",
            "How long ago the oldest video in processing was uploaded, or asked to be made anew.",
            _age_seconds(since),
        )
        oldest_delivery = GaugeMetricFamily(
            "rushes_webhook_oldest_pending_seconds",
            "How long ago the oldest event came about that a webhook has not taken yet; 0 where none waits.",
            _age_seconds(pending_since),
        )
        return [videos, oldest, waiting, oldest_delivery]

    async def _of_temporal(self) -> list[Metric]:
        queues, workers = await asyncio.gather(self._runs.queues(), self._runs.workers())
        backlog = GaugeMetricFamily("rushes_queue_backlog_tasks", "Tasks that wait for a worker.", labels=["queue"])
        age = GaugeMetricFamily(
            "rushes_queue_backlog_age_seconds", "How long the oldest of them has waited.", labels=["queue"]
        )
        there = GaugeMetricFamily("rushes_queue_workers", "Workers that serve it.", labels=["queue"])
        slots = GaugeMetricFamily(
            "rushes_worker_slots", "Steps that workers have in hand, or would take.", labels=["queue", "state"]
        )
        for queue in queues:
            backlog.add_metric([queue.name], queue.backlog)
            age.add_metric([queue.name], queue.backlog_age_seconds)
            there.add_metric([queue.name], len(serving(queue, workers)))
            telling = [worker for worker in workers or () if worker.queue == queue.name]
            slots.add_metric([queue.name, "busy"], sum(worker.busy_slots for worker in telling))
            slots.add_metric([queue.name, "free"], sum(worker.free_slots for worker in telling))
        return [backlog, age, there, *([slots] if workers is not None else [])]

    async def _of_storage(self) -> list[Metric]:
        free_bytes = await self._storage.free_bytes()
        if free_bytes is None:
            await self._storage.check()
            return []
        return [GaugeMetricFamily("rushes_storage_free_bytes", "Room on the disk of the originals.", free_bytes)]


def _waits_since(video: Video) -> datetime:
    asked_at = video.reprocess_asked_at if video.is_reprocessing else None
    return asked_at or video.uploaded_at or video.created_at


def _age_seconds(since: datetime | None) -> float:
    return (datetime.now(UTC) - since).total_seconds() if since is not None else 0.0


async def _within(seconds: float, asking: Awaitable[Answer]) -> Answer | None:
    """The answer, or None where there is none in time."""
    try:
        async with asyncio.timeout(seconds):
            return await asking
    except _AWAY:
        return None


class Told:
    """Metrics that were asked for already, as a registry takes them."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """Each of them."""
        yield from self._metrics
