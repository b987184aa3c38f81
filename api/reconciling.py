"""The api's own clock: rows whose workflow could not be started get it later, and stray files go."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any, Final

import structlog

from contracts.errors import VideoError
from runs.reconcile import ReconcileReport
from runs.records import TemporalUnavailable
from runs.sweep import SweepReport

_FIRST_SWEEP_SECONDS: Final = 60.0
"""A process that starts has more urgent things to do."""

_logger = structlog.stdlib.get_logger(__name__)


@asynccontextmanager
async def reconciling(
    reconcile: Callable[[], Awaitable[ReconcileReport]], interval_seconds: float
) -> AsyncIterator[None]:
    """Call ``reconcile`` at once and then every ``interval_seconds``, until the block is left."""
    async with _beside(_forever(reconcile, interval_seconds), "reconcile"):
        yield


@asynccontextmanager
async def sweeping(sweep: Callable[[], Awaitable[SweepReport]], interval_seconds: float) -> AsyncIterator[None]:
    """Call ``sweep`` every ``interval_seconds``, until the block is left."""

    async def forever() -> None:
        await asyncio.sleep(min(interval_seconds, _FIRST_SWEEP_SECONDS))
        while True:
            await _swept(sweep)
            await asyncio.sleep(interval_seconds)

    async with _beside(forever(), "sweep"):
        yield


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _swept(sweep: Callable[[], Awaitable[SweepReport]]) -> None:
    try:
        report = await sweep()
    except VideoError as error:
        _logger.warning("sweep postponed", reason=str(error))
    except Exception:  # the next one may come further
        _logger.exception("sweep failed")
    else:
        counts = asdict(report)
        if any(counts.values()):
            _logger.info("swept", **counts)


async def _forever(reconcile: Callable[[], Awaitable[ReconcileReport]], interval_seconds: float) -> None:
    while True:
        await _once(reconcile)
        await asyncio.sleep(interval_seconds)


async def _once(reconcile: Callable[[], Awaitable[ReconcileReport]]) -> None:
    try:
        report = await reconcile()
    except (VideoError, TemporalUnavailable) as error:
        _logger.warning("reconcile postponed", reason=str(error))
    except Exception:  # one bad row must not end the loop that mends all others
        _logger.exception("reconcile failed")
    else:
        counts = asdict(report)
        if any(counts.values()):
            _logger.info("reconciled", **counts)
