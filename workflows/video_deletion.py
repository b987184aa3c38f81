"""The end of a video: its run, its files, its row."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.remove_video import RemoveFilesInput, RemoveRowInput, RemoveVideoActivities
    from activities.stop_run import StopRunActivities, StopRunInput
    from contracts.processing import VideoDeletionInput
    from contracts.temporal_names import VIDEO_DELETION_WORKFLOW, ActivityId
    from workflows.activity_options import REMOVE, REMOVE_ROW, STEPS_HAVE_HEARD, STOP

from workflows.steps import Steps


@workflow.defn(name=VIDEO_DELETION_WORKFLOW)
class VideoDeletionWorkflow:
    """Deletes a video whose row says ``deleting``; its id is ``delete-{video_id}``.

    Each step is tried for as long as it takes. The row goes last: while anything is left of the video, something says
    so. Deleting what is gone is a success, so a second such workflow harms nothing.
    """

    @workflow.init
    def __init__(self, request: VideoDeletionInput) -> None:
        """Remember what this is about."""
        self._request = request
        self._steps = Steps()

    @workflow.run
    async def run(self, request: VideoDeletionInput) -> None:
        """Delete the video.

        Raises:
            ActivityError: Nobody has deleted this video, and everything of it is still there.
            asyncio.CancelledError: Somebody cancelled this; the reconciler starts it again.
        """
        workflow.logger.info("Deleting video %s", request.video_id)
        await self._stop_run()
        await self._remove_files()
        await self._remove_row()

    async def _stop_run(self) -> None:
        stopped = await self._steps.take(
            StopRunActivities.stop_run,
            StopRunInput(self._request.video_id),
            STOP,
            activity_id=ActivityId.STOP_RUN,
            summary="End the run that processes the video",
        )
        if stopped.was_terminated:
            await workflow.sleep(STEPS_HAVE_HEARD, summary="Until its last step has heard of it")

    async def _remove_files(self) -> None:
        await self._steps.take(
            RemoveVideoActivities.remove_files,
            RemoveFilesInput(self._request.video_id, self._request.original_key),
            REMOVE,
            activity_id=ActivityId.REMOVE_FILES,
            summary="Published files, original, work files",
        )

    async def _remove_row(self) -> None:
        await self._steps.take(
            RemoveVideoActivities.remove_row,
            RemoveRowInput(self._request.video_id),
            REMOVE_ROW,
            activity_id=ActivityId.REMOVE_ROW,
            summary="The row",
        )
