"""The api's own clock: rows whose workflow could not be started get it later, stray files and old events go."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, fields
from typing import Final

import structlog

from contracts.errors import VideoError
from events.tidy import TidyReport
from runs.reconcile import ReconcileReport
from runs.records import TemporalUnavailable
from runs.sweep import SweepReport
from telemetry.requests import RoundMetrics

_FIRST_SWEEP_SECONDS: Final = 60.0
"""A process that starts has more urgent things to do."""

_TIDY_SECONDS: Final = 600.0

_logger = structlog.stdlib.get_logger(__name__)

Report = ReconcileReport | SweepReport | TidyReport

Round = Callable[[], Awaitable[Report | None]]
"""One pass; None where another process leads, and does it."""


@asynccontextmanager
async def reconciling(reconcile: Round, interval_seconds: float, metrics: RoundMetrics) -> AsyncIterator[None]:
    """Call ``reconcile`` at once and then every ``interval_seconds``, until the block is left."""
    async with _repeating("reconcile", reconcile, interval_seconds, 0, metrics, counting=ReconcileReport):
        yield


@asynccontextmanager
async def sweeping(sweep: Round, interval_seconds: float, metrics: RoundMetrics) -> AsyncIterator[None]:
    """Call ``sweep`` soon and then every ``interval_seconds``, until the block is left."""
    first_after_seconds = min(interval_seconds, _FIRST_SWEEP_SECONDS)
    async with _repeating("sweep", sweep, interval_seconds, first_after_seconds, metrics, counting=SweepReport):
        yield


@asynccontextmanager
async def tidying(tidy: Round, metrics: RoundMetrics) -> AsyncIterator[None]:
    """Call ``tidy`` soon and then every ten minutes, until the block is left."""
    async with _repeating("tidy", tidy, _TIDY_SECONDS, _FIRST_SWEEP_SECONDS, metrics, counting=TidyReport):
        yield


@asynccontextmanager
async def _repeating(
    name: str,
    one_round: Round,
    interval_seconds: float,
    first_after_seconds: float,
    metrics: RoundMetrics,
    *,
    counting: type[Report],
) -> AsyncIterator[None]:
    async def forever() -> None:
        await asyncio.sleep(first_after_seconds)
        while True:
            await _once(name, one_round, metrics)
            await asyncio.sleep(interval_seconds)

    metrics.begun(name, (field.name for field in fields(counting)))
    task = asyncio.create_task(forever(), name=name)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _once(name: str, one_round: Round, metrics: RoundMetrics) -> None:
    try:
        report = await one_round()
    except (VideoError, TemporalUnavailable) as error:
        metrics.failed(name)
        _logger.warning("round postponed", work=name, reason=str(error))
    except Exception:  # one bad row or file must not end the loop that sees to all others
        metrics.failed(name)
        _logger.exception("round failed", work=name)
    else:
        if report is None:
            return
        counts = asdict(report)
        metrics.done(name, counts)
        if any(counts.values()):
            _logger.info("round done", work=name, **counts)
