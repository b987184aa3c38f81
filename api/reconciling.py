"""The api's own clock for ``reconcile``: rows whose workflow could not be started get it later."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict

import structlog

from contracts.errors import VideoError
from runs.reconcile import ReconcileReport
from runs.records import TemporalUnavailable

_logger = structlog.stdlib.get_logger(__name__)


@asynccontextmanager
async def reconciling(
    reconcile: Callable[[], Awaitable[ReconcileReport]], interval_seconds: float
) -> AsyncIterator[None]:
    """Call ``reconcile`` at once and then every ``interval_seconds``, until the block is left."""
    task = asyncio.create_task(_forever(reconcile, interval_seconds), name="reconcile")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


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
