"""Heartbeats: they prove that the worker lives, carry its progress, and bring a cancel back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from temporalio import activity

from contracts.processing import StepProgress

HEARTBEAT_SECONDS: Final = 2.0


class Heartbeat:
    """What the next heartbeat tells."""

    def __init__(self, known: StepProgress) -> None:
        """Begin with what the attempt before this one told last."""
        self._progress = known

    @property
    def progress(self) -> StepProgress:
        """What is told."""
        return self._progress

    def advance(self, done: float, whole: float, speed: float | None = None) -> None:
        """Tell that so much of the whole is done. A new attempt never tells less than the one before it."""
        fraction = min(1.0, done / whole) if whole > 0 else 0.0
        fraction = round(max(fraction, self._progress.fraction), 4)
        self._progress = replace(self._progress, fraction=fraction, speed=speed)


@asynccontextmanager
async def heartbeats() -> AsyncIterator[Heartbeat]:
    """Send a heartbeat every ``HEARTBEAT_SECONDS`` while the block runs, whatever its work does meanwhile.

    None at the beginning: Temporal knows that the attempt has begun, and a step that is done in a second costs none.

    Whether that work gets anywhere is judged elsewhere (``media.watchdog``): a beat that waits for the encoder to
    advance would take a slow first frame for a dead worker, and bring a cancel late.
    """
    details = activity.info().heartbeat_details
    # The data converter was not told the type, so details of an earlier attempt, perhaps by other code, are a dict.
    known = details[0].get("fraction", 0.0) if details and isinstance(details[0], dict) else 0.0
    heartbeat = Heartbeat(StepProgress(fraction=known))

    async def beat() -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            activity.heartbeat(heartbeat.progress)

    beating = asyncio.create_task(beat())
    try:
        yield heartbeat
    finally:
        beating.cancel()
