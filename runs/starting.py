"""Start the run that a row in ``processing`` waits for."""

import structlog

from database.tables import Video
from runs.protocol import Runs
from runs.reconcile import processing_input
from runs.records import TemporalUnavailable

_logger = structlog.stdlib.get_logger(__name__)


async def start_run(runs: Runs, video: Video) -> None:
    """Start it now; where Temporal is away, the reconciler will."""
    try:
        await runs.start(processing_input(video), video.original_filename)
    except TemporalUnavailable as error:
        _logger.warning("workflow not started, the reconciler will", reason=str(error))
