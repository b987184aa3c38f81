"""The way of one video, from upload to ready."""

import asyncio
from typing import Final

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from activities.clean_scratch import CleanScratchActivities, CleanScratchInput
    from activities.count_minutes import CountMinutesActivities, CountMinutesInput
    from activities.create_thumbnail import CreateThumbnailActivities, CreateThumbnailInput, CreateThumbnailResult
    from activities.fetch_original import FetchOriginalActivities, FetchOriginalInput
    from activities.hash_original import HashOriginalActivities, HashOriginalInput
    from activities.validate_video import ValidateVideoActivities, ValidateVideoInput
    from contracts.errors import ErrorCode
    from contracts.processing import Step, VideoProcessingInput
    from contracts.search_attributes import VIDEO_ERROR_CODE, VIDEO_STATUS
    from contracts.status import VideoStatus
    from contracts.temporal_names import VIDEO_PROCESSING_WORKFLOW, ActivityId
    from media.plan import StreamAction, TranscodePlan
    from workflows.activity_options import CLEAN, FETCH, MOST_FETCH_FAILURES, ROW, finish_options, look_options
    from workflows.failure import explain

from workflows.making import MadeVideo, Making
from workflows.publication import FirstPublication, GivenUp, NewEdition, Output, Publication
from workflows.steps import Steps, is_to_be_made_anew, side_by_side, to_the_end

MOST_MAKINGS: Final = 3
"""An output that is not what was asked for is made anew: what was copied is then encoded, and that once more."""


@workflow.defn(name=VIDEO_PROCESSING_WORKFLOW)
class VideoProcessingWorkflow:
    """One run for each attempt of a video; its id is ``video-{video_id}``.

    Ends Completed when the video is ready, Cancelled when it was cancelled and Failed otherwise; in every case the row
    says so too, and scratch is clean. A run whose row does not wait for it ends at once and touches nothing. That of a
    ready video makes it anew: whatever becomes of it, the video stays ready.
    """

    @workflow.init
    def __init__(self, request: VideoProcessingInput) -> None:
        """Remember what this run is about."""
        self._request = request
        self._steps = Steps()
        self._claimed = False
        self._fetching = False
        self._why_not_encoded = ""
        self._at_hand: str | None = None
        way = NewEdition if request.reprocess else FirstPublication
        self._publication: Publication = way(self._steps, request)

    @workflow.run
    async def run(self, request: VideoProcessingInput) -> None:
        """Process the video.

        Raises:
            ActivityError: A step failed for good; the row has its code and reason.
            asyncio.CancelledError: The run was cancelled.
        """
        workflow.logger.info("Processing video %s, attempt %s", request.video_id, request.attempt)
        try:
            await self._claim()
            if request.imported:
                await self._fetch()
            plan = await self._validate()
            output = await self._make(plan)
            await self._publish(output)
            await self._mark_ready(output)
        except (asyncio.CancelledError, FailureError) as failure:
            await to_the_end(self._give_up(failure))
            raise
        await to_the_end(self._clean_scratch())

    async def _claim(self) -> None:
        await self._publication.claim()
        self._claimed = True

    async def _fetch(self) -> None:
        self._enter(Step.FETCH, "bringing the original here")
        self._fetching = True
        await self._steps.take(
            FetchOriginalActivities.fetch_original,
            FetchOriginalInput(self._request.video_id, self._request.attempt),
            FETCH,
            activity_id=ActivityId.FETCH,
            summary="The original from its URL",
            most_failures=MOST_FETCH_FAILURES,
        )
        self._fetching = False

    async def _validate(self) -> TranscodePlan:
        self._enter(Step.VALIDATE, "reading the file")
        result = await self._steps.take(
            ValidateVideoActivities.validate_video,
            ValidateVideoInput(self._request.original_key, self._request.profile),
            look_options(self._request.user_id),
            activity_id=ActivityId.VALIDATE,
            summary="Is it a video, and what is to be made of it?",
        )
        self._why_not_encoded, self._at_hand = result.why_not_encoded, result.at_hand
        return result.plan

    async def _make(self, plan: TranscodePlan) -> Output:
        drawn, made, sha256, _ = await side_by_side(
            self._create_thumbnail(plan), self._make_video(plan), self._hash(plan), self._count_minutes(plan)
        )
        return Output(made.file, drawn, made.verified, made.warnings, sha256)

    async def _hash(self, plan: TranscodePlan) -> str | None:
        """Of an upload that several processes took, none of which saw all of it."""
        if self._request.hash_is_known:
            return None
        result = await self._steps.take(
            HashOriginalActivities.hash_original,
            HashOriginalInput(self._request.original_key),
            finish_options(self._request.user_id, plan.duration_seconds),
            activity_id=ActivityId.HASH,
            summary="The SHA-256 of the upload",
        )
        return result.sha256

    async def _count_minutes(self, plan: TranscodePlan) -> None:
        """Of a user with a limit, who may have begun many at once: how long each is was not known then."""
        if not self._request.minutes_count:
            return
        await self._steps.take(
            CountMinutesActivities.count_minutes,
            CountMinutesInput(self._request.video_id, self._request.attempt, plan.duration_seconds),
            ROW,
            activity_id=ActivityId.COUNT_MINUTES,
            summary="Do its minutes fit into the day?",
        )

    async def _create_thumbnail(self, plan: TranscodePlan) -> CreateThumbnailResult:
        copied = plan.picture.action is StreamAction.COPY
        return await self._steps.take(
            CreateThumbnailActivities.create_thumbnail,
            CreateThumbnailInput(self._request.video_id, self._request.original_key, plan.thumbnail, making=1),
            look_options(self._request.user_id, plan.duration_seconds),
            activity_id=ActivityId.THUMBNAIL_OF_COPY if copied else ActivityId.THUMBNAIL,
            summary="A JPEG of one frame",
        )

    async def _make_video(self, plan: TranscodePlan) -> MadeVideo:
        """Make and verify; what does not pass is made anew, and what was copied is then encoded."""
        for number in range(1, MOST_MAKINGS + 1):
            try:
                return await Making(self._steps, self._request, plan, number, self._enter, at_hand=self._at_hand).make()
            except ActivityError as failure:
                if number == MOST_MAKINGS or not is_to_be_made_anew(failure):
                    raise
                if plan.copies and self._why_not_encoded:
                    limit = ErrorCode.LIMIT_EXCEEDED
                    raise ApplicationError(self._why_not_encoded, type=limit, non_retryable=True) from failure
                workflow.logger.warning("Making %s of the output is not right: %s", number, failure.cause)
                plan = plan.encoding_what_was_copied()
        raise AssertionError("the last making returns or raises")

    async def _publish(self, output: Output) -> None:
        self._enter(Step.PUBLISH, "moving the files to where they are served from")
        await self._publication.publish(output)

    async def _mark_ready(self, output: Output) -> None:
        self._enter(Step.FINISH, "writing the row")
        await self._publication.mark_ready(output)
        self._tell_ready()

    async def _give_up(self, failure: BaseException) -> None:
        """Each of the endings is done whatever becomes of the others."""
        code, reason = explain(failure, cancelled=workflow.cancellation_reason() is not None)
        stays = " What was published before stays." if self._request.reprocess else ""
        workflow.set_current_details(f"**Error** `{code}`: {reason}{stays}")
        ended = GivenUp(is_served=False, error_code=code.value)
        if self._claimed or code is not ErrorCode.STATUS_CONFLICT:
            ended = await self._publication.give_up(code, reason)
            # What has come of an original whose server failed is kept for a retry.
            is_unwanted = self._fetching and code is ErrorCode.CANCELLED
            await self._clean_scratch(self._request.original_key if is_unwanted else None)
        if ended.is_served:
            self._tell_ready()
            return
        workflow.upsert_search_attributes(
            [
                VIDEO_STATUS.value_set(self._publication.failed_status.value),
                VIDEO_ERROR_CODE.value_set(ended.error_code),
            ]
        )

    async def _clean_scratch(self, unwanted_original: str | None = None) -> None:
        await self._steps.end(
            CleanScratchActivities.clean_scratch,
            CleanScratchInput(self._request.video_id, unwanted_original),
            CLEAN,
            activity_id=ActivityId.CLEAN,
            summary="Remove the work files",
        )

    def _tell_ready(self) -> None:
        workflow.upsert_search_attributes([VIDEO_STATUS.value_set(VideoStatus.READY.value)])
        workflow.set_current_details("**Ready**")

    def _enter(self, step: Step, detail: str) -> None:
        steps = [known for known in Step if known is not Step.FETCH or self._request.imported]
        number = steps.index(step) + 1
        workflow.set_current_details(f"**{step.value.capitalize()}** ({number} of {len(steps)}): {detail}")
