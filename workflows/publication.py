"""How what a run made gets to viewers, and how it is taken back: of a new video, or of one that is made anew."""

from dataclasses import dataclass
from typing import Protocol

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.claim_video import ClaimVideoActivities, ClaimVideoInput
    from activities.create_thumbnail import CreateThumbnailResult
    from activities.mark_error import MarkErrorActivities, MarkErrorInput
    from activities.mark_ready import MarkReadyActivities, MarkReadyInput
    from activities.publish_files import PublishFilesActivities, PublishFilesInput, WithdrawFilesInput
    from activities.reprocess_video import PublishEditionInput, ReprocessVideoActivities
    from activities.verify_output import VerifyOutputResult
    from contracts.errors import ErrorCode
    from contracts.processing import VideoProcessingInput
    from contracts.status import VideoStatus
    from contracts.storage_keys import WorkFile
    from contracts.temporal_names import ActivityId
    from contracts.warnings import VideoWarning
    from workflows.activity_options import PUBLISH, ROW

from workflows.steps import Steps

_CLAIM_SUMMARY = "Does the row wait for this run?"


@dataclass(frozen=True)
class Output:
    """What a run has made, verified.

    Attributes:
        video: The video.
        drawn: Its picture.
        verified: What the video is.
        warnings: What its owner should know.
        sha256: Of the upload, where the run computed it.
    """

    video: WorkFile
    drawn: CreateThumbnailResult
    verified: VerifyOutputResult
    warnings: tuple[VideoWarning, ...]
    sha256: str | None


@dataclass(frozen=True)
class GivenUp:
    """Where a video stands when its run has given up.

    Attributes:
        is_served: Whether what the run made is served after all.
        error_code: What the row says, else what ended the run.
    """

    is_served: bool
    error_code: str


class Publication(Protocol):
    """The steps of a run that rows and viewers see. Those that fail raise as ``Steps.take`` does."""

    failed_status: VideoStatus
    """Where the video stands when the run has failed."""

    async def claim(self) -> None:
        """Ask whether the row waits for this run."""

    async def publish(self, output: Output) -> None:
        """Bring the files to where they are served from, once the row says so."""

    async def mark_ready(self, output: Output) -> None:
        """Let the row say so."""

    async def give_up(self, code: ErrorCode, reason: str) -> GivenUp:
        """Write why into the row, and take back what was published; each is done whatever becomes of the other."""


class FirstPublication:
    """Of a video that nobody is served yet.

    Args:
        steps: Takes the steps of this run.
        request: What the run is about.
    """

    failed_status = VideoStatus.ERROR

    def __init__(self, steps: Steps, request: VideoProcessingInput) -> None:
        self._steps = steps
        self._request = request
        self._publishing = False
        self._marking_ready = False

    async def claim(self) -> None:
        """The row is in ``processing``."""
        await self._steps.take(
            ClaimVideoActivities.claim_video,
            ClaimVideoInput(self._request.video_id, self._request.attempt),
            ROW,
            activity_id=ActivityId.CLAIM,
            summary=_CLAIM_SUMMARY,
        )

    async def publish(self, output: Output) -> None:
        """To where the first edition is served from."""
        self._publishing = True
        await self._steps.take(
            PublishFilesActivities.publish_files,
            PublishFilesInput(self._request.video_id, output.video, output.drawn.file, self._request.attempt),
            PUBLISH,
            activity_id=ActivityId.PUBLISH,
            summary="Work files to where they are served from",
        )

    async def mark_ready(self, output: Output) -> None:
        """``processing -> ready``."""
        self._marking_ready = True
        await self._steps.take(
            MarkReadyActivities.mark_ready,
            _marked(self._request, output),
            ROW,
            activity_id=ActivityId.MARK_READY,
            summary="The row: ready",
        )

    async def give_up(self, code: ErrorCode, reason: str) -> GivenUp:
        """``processing -> error``."""
        row = await self._steps.end(
            MarkErrorActivities.mark_error,
            MarkErrorInput(self._request.video_id, self._request.attempt, code, reason),
            ROW,
            activity_id=ActivityId.MARK_ERROR,
            summary="The row: cancelled" if code is ErrorCode.CANCELLED else f"The row: error, {code}",
        )
        is_ready = row is not None and row.status is VideoStatus.READY
        # A row that nobody could be asked of counts as ready where it may be: what it names must stay reachable.
        may_be_ready = is_ready or (row is None and self._marking_ready)
        if self._publishing and not may_be_ready:
            await self._steps.end(
                PublishFilesActivities.withdraw_files,
                WithdrawFilesInput(self._request.video_id, self._request.attempt),
                PUBLISH,
                activity_id=ActivityId.WITHDRAW,
                summary="Take back what was published",
            )
        return GivenUp(is_ready, row.error_code if row is not None and row.error_code is not None else code.value)


class NewEdition:
    """Of a ready video, whose files are served until the row names the new ones. Arguments as ``FirstPublication``."""

    failed_status = VideoStatus.READY

    def __init__(self, steps: Steps, request: VideoProcessingInput) -> None:
        self._steps = steps
        self._request = request
        self._publishing = False

    async def claim(self) -> None:
        """The row is in ``ready``, and being made anew."""
        await self._steps.take(
            ReprocessVideoActivities.claim_reprocessing,
            ClaimVideoInput(self._request.video_id, self._request.attempt),
            ROW,
            activity_id=ActivityId.CLAIM,
            summary=_CLAIM_SUMMARY,
        )

    async def publish(self, output: Output) -> None:
        """Beside the files that are served."""
        self._publishing = True
        await self._steps.take(
            ReprocessVideoActivities.publish_edition,
            PublishEditionInput(
                PublishFilesInput(self._request.video_id, output.video, output.drawn.file), self._request.attempt
            ),
            PUBLISH,
            activity_id=ActivityId.PUBLISH,
            summary="Work files to beside those that are served",
        )

    async def mark_ready(self, output: Output) -> None:
        """The row names the new files, in one change."""
        await self._steps.take(
            ReprocessVideoActivities.mark_reprocessed,
            _marked(self._request, output),
            ROW,
            activity_id=ActivityId.MARK_READY,
            summary="The row: the new files are served",
        )

    async def give_up(self, code: ErrorCode, reason: str) -> GivenUp:
        """The row notes why. What it names is asked for once more before anything is taken back."""
        ended = await self._steps.end(
            ReprocessVideoActivities.fail_reprocessing,
            MarkErrorInput(self._request.video_id, self._request.attempt, code, reason),
            ROW,
            activity_id=ActivityId.MARK_ERROR,
            summary=f"The row: not made anew, {code}",
        )
        is_served = ended is not None and ended.is_served
        if self._publishing and not is_served:
            await self._steps.end(
                ReprocessVideoActivities.withdraw_edition,
                WithdrawFilesInput(self._request.video_id, self._request.attempt),
                PUBLISH,
                activity_id=ActivityId.WITHDRAW,
                summary="Take back what was published beside those that are served",
            )
        return GivenUp(is_served, (ended.error_code if ended is not None else None) or code.value)


def _marked(request: VideoProcessingInput, output: Output) -> MarkReadyInput:
    return MarkReadyInput(
        video_id=request.video_id,
        attempt=request.attempt,
        duration_seconds=output.verified.duration_seconds,
        width=output.verified.width,
        height=output.verified.height,
        warnings=output.warnings,
        content_sha256=output.sha256,
        video_bytes=output.video.size_bytes,
        video_sha256=output.verified.sha256,
        thumbnail_bytes=output.drawn.file.size_bytes,
        thumbnail_sha256=output.drawn.sha256,
    )
