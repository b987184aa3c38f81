"""What Temporal refuses: said once, and remembered for as long as it would refuse everything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from runs.records import TemporalRefuses

log = structlog.stdlib.get_logger("runs")


class Refusals:
    """The refusals that one client of Temporal met."""

    def __init__(self) -> None:
        """Begin without any."""
        self._last: TemporalRefuses | None = None

    @asynccontextmanager
    async def told_once(self) -> AsyncIterator[None]:
        """Log a refusal once and not for each video, and remember one that would be met by any."""
        try:
            yield
        except TemporalRefuses as refusal:
            if str(refusal) != str(self._last):
                log.error("temporal_refuses_runs", reason=str(refusal))  # noqa: TRY400 - the sentence says it all
            self._last = refusal
            raise
        else:
            self._last = None

    def raise_one_to_everything(self) -> None:
        """Return unless the last answer was a ``TemporalRefuses`` that any run would meet; that is raised."""
        if self._last is not None and self._last.to_everything:
            raise self._last
