"""Heartbeats: of long steps they prove progress, of short ones that their worker lives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from temporalio import activity

from contracts.processing import TranscodeProgress


class HeartbeatProgress:
    """Callback for ffmpeg's progress: each advance of the output's time becomes one heartbeat.

    Temporal throttles heartbeats on its own (``max_heartbeat_throttle_interval`` of the worker), so none is held back
    here.
    """

    def __init__(self, duration_seconds: float) -> None:
        """Take the length of the whole, in seconds; 0 where it is not known."""
        self._duration_seconds = duration_seconds

    def __call__(self, out_time_seconds: float, speed: float | None) -> None:
        """Tell Temporal that the output has reached ``out_time_seconds``."""
        fraction = min(1.0, out_time_seconds / self._duration_seconds) if self._duration_seconds > 0 else 0.0
        activity.heartbeat(
            TranscodeProgress(out_time_seconds=round(out_time_seconds, 3), fraction=round(fraction, 4), speed=speed)
        )


_SIGN_OF_LIFE_SECONDS: Final = 2.0


@asynccontextmanager
async def signs_of_life() -> AsyncIterator[None]:
    """Heartbeats while a short step runs that has no progress to tell.

    A step that hangs is bounded by its ``start_to_close``, which is short. The heartbeats tell Temporal within seconds
    that the worker is gone, and bring a cancel back to the step.
    """

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(_SIGN_OF_LIFE_SECONDS)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
