"""A whole cohort of videos, retried or made anew little by little."""

from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import Final

from temporalio import workflow
from temporalio.workflow import ActivityConfig

with workflow.unsafe.imports_passed_through():
    from activities.reprocess_videos import ReprocessVideosActivities, ReprocessVideosInput
    from activities.retry_videos import RetryVideosActivities, RetryVideosInput, RetryVideosResult
    from contracts.cohorts import (
        LEAST_A_MINUTE,
        PROGRESS_QUERY,
        VIDEO_COHORT_WORKFLOW,
        CohortInput,
        CohortProgress,
        CohortSignal,
        progress_of,
    )
    from workflows.activity_options import RETRY_VIDEOS

_MOST_AT_ONCE: Final = 20
_MINUTE_SECONDS: Final = 60


@workflow.defn(name=VIDEO_COHORT_WORKFLOW)
class VideoCohortWorkflow:
    """Retries videos of one failure, or has ready ones made anew, at a rate; its id is ``cohort-{cohort_id}``.

    It can be paused and resumed, and tells how far it is. Cancelling it leaves those that were begun on their way.
    """

    @workflow.init
    def __init__(self, request: CohortInput) -> None:
        """Go on where the run before has ended, if there was one."""
        self._state = request
        self._is_done = False

    @workflow.run
    async def run(self, request: CohortInput) -> CohortProgress:
        """Begin them all.

        Raises:
            ActivityError: The database or storage was away for too long.
            asyncio.CancelledError: Somebody cancelled this.
        """
        a_minute = max(LEAST_A_MINUTE, request.a_minute)
        at_once = max(1, min(_MOST_AT_ONCE, ceil(a_minute / 6)))
        pause = timedelta(seconds=_MINUTE_SECONDS * at_once / a_minute)
        while True:
            self._tell()
            await workflow.wait_condition(lambda: not self._state.is_paused)
            if not await self._begin_some(at_once):
                self._is_done = True
                self._tell()
                return self.progress()
            await workflow.sleep(pause, summary=f"{a_minute:g} a minute")
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(self._state)

    @workflow.signal(name=CohortSignal.PAUSE)
    def pause(self) -> None:
        """Begin no more until resumed."""
        self._state = replace(self._state, is_paused=True)
        self._tell()

    @workflow.signal(name=CohortSignal.RESUME)
    def resume(self) -> None:
        """Go on."""
        self._state = replace(self._state, is_paused=False)

    @workflow.query(name=PROGRESS_QUERY)
    def progress(self) -> CohortProgress:
        """How far it is."""
        return progress_of(self._state, is_done=self._is_done)

    async def _begin_some(self, at_once: int) -> bool:
        """Whether there may be more."""
        done = await self._begin_next(at_once)
        self._state = replace(
            self._state,
            after=done.after or self._state.after,
            retried=self._state.retried + done.retried,
            passed_over=self._state.passed_over + done.passed_over,
        )
        return done.after is not None

    async def _begin_next(self, at_once: int) -> RetryVideosResult:
        state = self._state
        options: ActivityConfig = {**RETRY_VIDEOS, "summary": f"{at_once} at most, after {state.after or 'none'}"}
        if state.reprocessing is not None:
            return await workflow.execute_activity_method(
                ReprocessVideosActivities.reprocess_videos,
                ReprocessVideosInput(state.reprocessing, state.after, at_once),
                **options,
            )
        if state.videos is not None:
            return await workflow.execute_activity_method(
                RetryVideosActivities.retry_videos, RetryVideosInput(state.videos, state.after, at_once), **options
            )
        return RetryVideosResult(0, 0, None)

    def _tell(self) -> None:
        state = self._state
        standing = "Done" if self._is_done else "Paused" if state.is_paused else "Running"
        workflow.set_current_details(
            f"{standing}: {state.retried} of {state.total} begun, {state.passed_over} passed over ({state.in_words})."
        )
