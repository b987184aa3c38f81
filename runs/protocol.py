"""What the api asks of Temporal, as a protocol that ``runs.client.Processing`` fulfils."""

from typing import Protocol

from contracts.processing import VideoDeletionInput, VideoProcessingInput
from runs.records import LiveProgress, QueueState, RunRecord, WorkerState


class Runs(Protocol):
    """The runs of videos. Every method raises ``TemporalUnavailable`` when there is no answer within seconds."""

    async def start(self, request: VideoProcessingInput, label: str) -> None:
        """Start the run for this attempt of the video; starting it again changes nothing."""

    async def cancel(self, video_id: str) -> bool:
        """Ask the open run to cancel; False when no run is open."""

    async def start_deletion(self, request: VideoDeletionInput, label: str) -> bool:
        """Start what deletes the video; False where that runs already."""

    async def progress(self, video_id: str) -> LiveProgress | None:
        """How far the open run is, or None when there is none."""

    async def record(self, video_id: str) -> RunRecord:
        """What the newest run did; an empty record when there is no run."""

    async def queues(self) -> list[QueueState]:
        """Backlog and pollers of each task queue."""

    async def workers(self) -> list[WorkerState] | None:
        """The workers that told of themselves lately; None where the server does not keep that."""

    async def check(self) -> None:
        """Return if runs can be started. Raises ``TemporalRefuses`` where somebody has to mend something first."""

    async def server_version(self) -> str:
        """Version of the Temporal server."""
