"""The way of one video, from upload to ready."""

import asyncio
from typing import Final

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError

with workflow.unsafe.imports_passed_through():
    from activities.clean_scratch import CleanScratchActivities, CleanScratchInput
    from activities.create_thumbnail import CreateThumbnailActivities, CreateThumbnailInput
    from activities.mark_error import MarkErrorActivities, MarkErrorInput
    from activities.mark_ready import MarkReadyActivities, MarkReadyInput
    from activities.publish_files import (
        PublishFilesActivities,
        PublishFilesInput,
        PublishFilesResult,
        WithdrawFilesInput,
    )
    from activities.transcode_video import TranscodeVideoActivities, TranscodeVideoInput
    from activities.validate_video import ValidateVideoActivities, ValidateVideoInput
    from activities.verify_output import VerifyOutputActivities, VerifyOutputInput, VerifyOutputResult
    from contracts.processing import Step, VideoProcessingInput, VideoProcessingResult, VideoProgress
    from contracts.status import VideoStatus
    from contracts.temporal_names import VIDEO_ERROR_CODE, VIDEO_PROCESSING_WORKFLOW, VIDEO_STATUS
    from media.model import MediaProbe

from workflows.activity_options import (
    CLEAN,
    MARK,
    PUBLISH,
    THUMBNAIL,
    VALIDATE,
    described,
    transcode_options,
    verify_options,
)
from workflows.failure import explain
from workflows.side_by_side import side_by_side, to_the_end

_STEPS: Final = tuple(step for step in Step if step is not Step.THUMBNAIL)
"""The thumbnail is drawn beside the transcode, so it counts as a part of that step."""


@workflow.defn(name=VIDEO_PROCESSING_WORKFLOW)
class VideoProcessingWorkflow:
    """One run for each attempt of a video; its id is ``video-{video_id}``.

    Ends Completed when the video is ready, Cancelled when it was cancelled and Failed otherwise; in every case the row
    says so too, and scratch is clean.
    """

    @workflow.init
    def __init__(self, request: VideoProcessingInput) -> None:
        """Remember what this run is about."""
        self._request = request
        self._step = Step.VALIDATE
        self._publishing = False

    @workflow.run
    async def run(self, request: VideoProcessingInput) -> VideoProcessingResult:
        """Process the video.

        Raises:
            ActivityError: A step failed for good; the row has its code and reason.
            asyncio.CancelledError: The run was cancelled.
        """
        workflow.logger.info("Processing video %s, attempt %s", request.video_id, request.attempt)
        try:
            probe = await self._validate()
            await self._transcode_and_thumbnail(probe)
            output = await self._verify(probe)
            published = await self._publish()
            await self._mark_ready(published, output)
        except (asyncio.CancelledError, FailureError) as failure:
            await to_the_end(self._give_up(failure))
            raise
        await to_the_end(self._clean_scratch())
        return VideoProcessingResult(
            video_key=published.video_key,
            thumbnail_key=published.thumbnail_key,
            duration_seconds=output.duration_seconds,
            width=output.width,
            height=output.height,
            size_bytes=published.size_bytes,
        )

    @workflow.query
    def progress(self) -> VideoProgress:
        """How far the run is; the finer progress of the transcode is in that activity's heartbeats."""
        return VideoProgress(
            step=self._step,
            steps_done=_STEPS.index(self._step),
            steps_total=len(_STEPS),
            attempt=self._request.attempt,
        )

    async def _validate(self) -> MediaProbe:
        self._enter(Step.VALIDATE, "reading the file")
        result = await workflow.execute_activity_method(
            ValidateVideoActivities.validate_video,
            ValidateVideoInput(self._request.original_key),
            **described(VALIDATE, "Is it a video? ffprobe, then decode a frame"),
        )
        return result.probe

    async def _transcode_and_thumbnail(self, probe: MediaProbe) -> None:
        width, height = probe.video.display_size
        self._enter(Step.TRANSCODE, f"{probe.duration_seconds:.1f} s of {width}x{height} {probe.video.codec}")
        request = self._request
        transcode = workflow.start_activity_method(
            TranscodeVideoActivities.transcode_video,
            TranscodeVideoInput(request.video_id, request.original_key, probe, request.profile),
            **described(
                transcode_options(probe.duration_seconds, width * height),
                f"{probe.duration_seconds:.1f} s of {width}x{height} {probe.video.codec} to H.264 "
                + ("and AAC" if probe.audio else "without sound"),
            ),
        )
        thumbnail = workflow.start_activity_method(
            CreateThumbnailActivities.create_thumbnail,
            CreateThumbnailInput(request.video_id, request.original_key, probe, request.profile),
            **described(THUMBNAIL, "A JPEG of one frame"),
        )
        await side_by_side(transcode, thumbnail)

    async def _verify(self, probe: MediaProbe) -> VerifyOutputResult:
        self._enter(Step.VERIFY, "decoding the output from start to end")
        width, height = probe.video.display_size
        return await workflow.execute_activity_method(
            VerifyOutputActivities.verify_output,
            VerifyOutputInput(self._request.video_id, probe, self._request.profile),
            **described(verify_options(probe.duration_seconds, width * height), "Is the output what was asked for?"),
        )

    async def _publish(self) -> PublishFilesResult:
        self._enter(Step.PUBLISH, "moving the files to where they are served from")
        self._publishing = True
        return await workflow.execute_activity_method(
            PublishFilesActivities.publish_files,
            PublishFilesInput(self._request.video_id),
            **described(PUBLISH, "Scratch to processed, all files at once"),
        )

    async def _mark_ready(self, published: PublishFilesResult, output: VerifyOutputResult) -> None:
        self._enter(Step.FINISH, "writing the row")
        await workflow.execute_activity_method(
            MarkReadyActivities.mark_ready,
            MarkReadyInput(
                video_id=self._request.video_id,
                attempt=self._request.attempt,
                video_key=published.video_key,
                thumbnail_key=published.thumbnail_key,
                duration_seconds=output.duration_seconds,
                width=output.width,
                height=output.height,
            ),
            **described(MARK, "The row: ready"),
        )
        workflow.upsert_search_attributes([VIDEO_STATUS.value_set(VideoStatus.READY.value)])
        workflow.set_current_details("**Ready**")

    async def _give_up(self, failure: BaseException) -> None:
        await self._mark_error(failure)
        await self._clean_scratch()

    async def _mark_error(self, failure: BaseException) -> None:
        code, reason = explain(failure)
        workflow.set_current_details(f"**Error** `{code}`: {reason}")
        result = await workflow.execute_activity_method(
            MarkErrorActivities.mark_error,
            MarkErrorInput(self._request.video_id, self._request.attempt, code, reason),
            **described(MARK, f"The row: error, {code}"),
        )
        workflow.upsert_search_attributes(
            [VIDEO_STATUS.value_set(VideoStatus.ERROR.value), VIDEO_ERROR_CODE.value_set(code.value)]
        )
        # A row that is ready was written by an attempt of mark_ready whose answer was lost: its files stay.
        if self._publishing and result.status is not VideoStatus.READY:
            await workflow.execute_activity_method(
                PublishFilesActivities.withdraw_files,
                WithdrawFilesInput(self._request.video_id),
                **described(CLEAN, "Take back what was published"),
            )

    async def _clean_scratch(self) -> None:
        try:
            await workflow.execute_activity_method(
                CleanScratchActivities.clean_scratch,
                CleanScratchInput(self._request.video_id),
                **described(CLEAN, "Remove the scratch folder"),
            )
        except ActivityError as failure:
            # The video's fate is decided and written; a folder that stays behind is worth a warning, not another fate.
            workflow.logger.warning("Scratch of %s was not cleaned: %s", self._request.video_id, failure.cause)

    def _enter(self, step: Step, detail: str) -> None:
        self._step = step
        number = _STEPS.index(step) + 1
        workflow.set_current_details(f"**{step.value.capitalize()}** ({number} of {len(_STEPS)}): {detail}")
