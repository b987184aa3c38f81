"""What Temporal refuses: said once, and remembered for as long as it would refuse everything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from runs.records import TemporalRefuses

log = structlog.stdlib.get_logger("runs")


class Refusals:
    """The refusals that one client of Temporal met.

    Attributes:
        may_start: Whether runs could be started when that was last seen; False where it was not seen yet.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self._last: TemporalRefuses | None = None
        self.may_start = False

    @asynccontextmanager
    async def told_once(self) -> AsyncIterator[None]:
        """Log a refusal once and not for each video, and remember one that would be met by any."""
        try:
            yield
        except TemporalRefuses as refusal:
            if str(refusal) != str(self._last):
                log.error("temporal_refuses_runs", reason=str(refusal))  # noqa: TRY400 - the sentence says it all
            self._last = refusal
            self.may_start = not refusal.to_everything
            raise
        else:
            self._last = None
            self.may_start = True
