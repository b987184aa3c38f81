"""Temporal as far as rows depend on it, in memory and a step at a time, so that chance can order the steps."""

from dataclasses import dataclass, field
from uuid import UUID

from contracts.processing import VideoDeletionInput, VideoProcessingInput
from runs.client import TemporalRuns
from runs.records import NewestRun, RunStillOpen


@dataclass
class BookedRun:
    """One run of a video.

    Attributes:
        video_id: Of the video.
        attempt: Of its row.
        reprocess: Whether it makes a ready video anew.
        is_open: Whether it has not ended.
        cancel_requested: Whether it was asked to cancel.
        steps: Which it has taken.
    """

    video_id: UUID
    attempt: int
    reprocess: bool = False
    is_open: bool = True
    cancel_requested: bool = False
    steps: list[str] = field(default_factory=list)


@dataclass
class BookedDeletion:
    """One deletion of a video.

    Attributes:
        request: What started it.
        steps: How many it has taken.
    """

    request: VideoDeletionInput
    steps: int = 0


class RunBook(TemporalRuns):
    """Keeps the rules of the real one: one open run for each id, and a first attempt only once.

    Attributes:
        runs: All there ever were, in the order of their start.
        deletions: Those that are open.
    """

    def __init__(self) -> None:
        self.runs: list[BookedRun] = []
        self.deletions: dict[str, BookedDeletion] = {}

    async def start(self, request: VideoProcessingInput, label: str) -> None:
        assert label
        newest = self._newest(request.video_id)
        if newest is not None and newest.attempt == request.attempt and (newest.is_open or request.attempt == 1):
            return
        if newest is not None and newest.is_open:
            raise RunStillOpen("The run of the video's last attempt has not ended yet.")
        self.runs.append(BookedRun(UUID(request.video_id), request.attempt, request.reprocess))

    async def newest_run(self, video_id: str) -> NewestRun | None:
        newest = self._newest(video_id)
        return None if newest is None else NewestRun(newest.attempt, newest.is_open)

    async def cancel(self, video_id: str) -> bool:
        newest = self._newest(video_id)
        if newest is None or not newest.is_open:
            return False
        newest.cancel_requested = True
        return True

    async def stop(self, video_id: str, *, within_seconds: float) -> bool:
        assert within_seconds > 0
        newest = self._newest(video_id)
        was_open = newest is not None and newest.is_open
        if newest is not None:
            newest.is_open = False
        return was_open

    async def start_deletion(self, request: VideoDeletionInput, label: str) -> bool:
        assert label
        if request.video_id in self.deletions:
            return False
        self.deletions[request.video_id] = BookedDeletion(request)
        return True

    def _newest(self, video_id: str) -> BookedRun | None:
        of_video = [run for run in self.runs if str(run.video_id) == video_id]
        return of_video[-1] if of_video else None
