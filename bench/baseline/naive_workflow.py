"""The naive pipeline on Temporal: one workflow with one activity that does everything."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio import workflow

QUEUE: Final = "naive"
ACTIVITY: Final = "process_video"
TIMEOUT: Final = timedelta(hours=1)


@dataclass(frozen=True)
class NaiveInput:
    """A video, and where its original is."""

    video_id: str
    path: str


@workflow.defn
class NaiveWorkflow:
    """Runs the activity; no heartbeat, and Temporal's own way of trying again."""

    @workflow.run
    async def run(self, video: NaiveInput) -> None:
        """Process one video."""
        await workflow.execute_activity(ACTIVITY, video, start_to_close_timeout=TIMEOUT)
