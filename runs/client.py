"""How the outside speaks with a video's workflow: start, cancel, stop, and ask how far it is."""

import asyncio
from dataclasses import replace
from typing import Final

from temporalio.api.workflowservice.v1 import GetSystemInfoRequest, StartWorkflowExecutionRequest
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from contracts.processing import VideoDeletionInput, VideoProcessingInput
from contracts.search_attributes import SEARCH_ATTRIBUTES, USER_ID, VIDEO_STATUS
from contracts.status import VideoStatus
from contracts.temporal_names import (
    ATTEMPT_MEMO,
    CONTROL_QUEUE,
    IMPORTED_MEMO,
    START_TIMEOUT,
    VIDEO_DELETION_WORKFLOW,
    VIDEO_PROCESSING_WORKFLOW,
    deletion_workflow_id,
    workflow_id,
)
from runs.answers import unavailable_if_silent
from runs.high_water import HighWater
from runs.history import read_steps
from runs.looks import Looks
from runs.making import read_making
from runs.progress import after_a_fetch, progress_between_steps, read_progress
from runs.queues import state_of_queues
from runs.records import (
    LiveProgress,
    NewestRun,
    QueueState,
    RunRecord,
    RunStillOpen,
    StepRecord,
    WorkerState,
)
from runs.refusals import Refusals
from runs.workers import living_workers

_CLOSING_SECONDS: Final = 3.0
"""A run that has written its row still cleans scratch; a retry waits this long for it to close."""


class TemporalRuns:
    """The runs of ``VideoProcessingWorkflow``, one for each video.

    Every method raises ``TemporalUnavailable`` when the server does not answer within a few seconds.
    """

    def __init__(self, client: Client) -> None:
        """Take a client, lazy or connected."""
        self._client = client
        self._told = HighWater()
        self._looks = Looks(self._look)
        self._refusals = Refusals()

    async def start(self, request: VideoProcessingInput, label: str) -> None:
        """Start the run for this attempt of the video. Starting it again changes nothing.

        Args:
            request: Which video, and which attempt of it.
            label: The client's file name, for people who read Temporal's Web UI.

        Raises:
            TemporalRefuses: It will not start any run, or not this one.
            RunStillOpen: The run of an earlier attempt has not ended within some seconds.
        """
        for last_try in (False, True):
            try:
                async with self._refusals.told_once(), unavailable_if_silent(not_found_is_an_answer=False):
                    await self._start_once(request, label)
            except WorkflowAlreadyStartedError:
                run = await self.newest_run(request.video_id)
                if run is not None and run.attempt == request.attempt:
                    return
                if last_try:
                    raise RunStillOpen("The run of the video's last attempt has not ended yet.") from None
                await self._wait_until_closed(request.video_id, _CLOSING_SECONDS)
            else:
                return

    async def check(self) -> None:
        """Return if runs can be started, as far as that can be told without starting one.

        Raises:
            TemporalRefuses: Somebody has to mend something first; the sentence says what.
        """
        if not self._refusals.may_start:
            async with self._refusals.told_once(), unavailable_if_silent(not_found_is_an_answer=False):
                await self._ask_to_start_nothing()
        known = " OR ".join(f"{attribute.name} = 'none'" for attribute in SEARCH_ATTRIBUTES)
        async with unavailable_if_silent(not_found_is_an_answer=False):
            await self._client.count_workflows(known, rpc_timeout=START_TIMEOUT)

    async def _ask_to_start_nothing(self) -> None:
        """Who may not start runs is told so before it is looked at what is to be started."""
        nothing = StartWorkflowExecutionRequest(namespace=self._client.namespace)
        try:
            await self._client.workflow_service.start_workflow_execution(nothing, timeout=START_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise

    async def _start_once(self, request: VideoProcessingInput, label: str) -> None:
        await self._client.start_workflow(
            VIDEO_PROCESSING_WORKFLOW,
            request,
            id=workflow_id(request.video_id),
            task_queue=CONTROL_QUEUE,
            # FAIL instead of USE_EXISTING: the open run may be an older attempt's, and that would lose a retry.
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            id_reuse_policy=(
                WorkflowIDReusePolicy.REJECT_DUPLICATE
                if request.attempt == 1
                else WorkflowIDReusePolicy.ALLOW_DUPLICATE
            ),
            memo={ATTEMPT_MEMO: request.attempt, **({IMPORTED_MEMO: True} if request.imported else {})},
            search_attributes=_searchable(VideoStatus.PROCESSING, request.user_id),
            static_summary=label if request.attempt == 1 else f"{label} (attempt {request.attempt})",
            static_details=(
                f"Makes `{request.original_key}` {'anew' if request.reprocess else 'ready to play'}: "
                f"{'fetch; ' if request.imported else ''}validate and plan; copy, or encode in chunks; join, verify, "
                f"publish{' beside what is served' if request.reprocess else ''}, then the row. "
                f"Profile `{request.profile}`, attempt {request.attempt}."
            ),
            rpc_timeout=START_TIMEOUT,
        )

    async def start_deletion(self, request: VideoDeletionInput, label: str) -> bool:
        """Start what deletes the video, whose row says so already.

        Args:
            request: Which video.
            label: The client's file name, for people who read Temporal's Web UI.

        Returns:
            False where it runs already.

        Raises:
            TemporalRefuses: It will not start it.
        """
        try:
            async with self._refusals.told_once(), unavailable_if_silent(not_found_is_an_answer=False):
                await self._client.start_workflow(
                    VIDEO_DELETION_WORKFLOW,
                    request,
                    id=deletion_workflow_id(request.video_id),
                    task_queue=CONTROL_QUEUE,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    search_attributes=_searchable(VideoStatus.DELETING, request.user_id),
                    static_summary=f"{label} (deleted)",
                    rpc_timeout=START_TIMEOUT,
                )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def newest_run(self, video_id: str) -> NewestRun | None:
        """The video's newest run; None when it never had one."""
        description = await self._describe(video_id)
        if description is None:
            return None
        return NewestRun(
            attempt=await description.memo_value(ATTEMPT_MEMO, default=1, type_hint=int),
            is_open=description.status is WorkflowExecutionStatus.RUNNING,
            is_completed=description.status is WorkflowExecutionStatus.COMPLETED,
        )

    async def cancel(self, video_id: str) -> bool:
        """Ask the open run to cancel; it ends the row with the code ``cancelled``.

        Returns:
            False when no run is open.
        """
        run = await self.newest_run(video_id)
        if run is None or not run.is_open:
            return False
        try:
            async with unavailable_if_silent():
                await self._handle(video_id).cancel(rpc_timeout=START_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:  # it closed meanwhile
                return False
            raise
        return True

    async def stop(self, video_id: str, *, within_seconds: float) -> bool:
        """End the open run: cancel it, and terminate it if it has not ended in time. No open run is a success.

        Returns:
            Whether it had to be terminated: for some seconds its last step may not know of it.
        """
        if not await self.cancel(video_id) or await self._wait_until_closed(video_id, within_seconds):
            return False
        try:
            async with unavailable_if_silent():
                await self._handle(video_id).terminate("The video was deleted.", rpc_timeout=START_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    async def progress(self, video_id: str) -> LiveProgress | None:
        """How far the open run is, read from pending activities and their heartbeats; None when no run is open.

        Never less than was told before, though a step that is tried again begins anew; up to a second old, so that
        many may ask.
        """
        return await self._looks.at(video_id)

    async def _look(self, video_id: str) -> LiveProgress | None:
        description = await self._describe(video_id)
        if description is None or description.status is not WorkflowExecutionStatus.RUNNING:
            return None
        progress = await read_progress(description, self._client.data_converter, lambda: self.steps(video_id))
        progress = progress or progress_between_steps(await self.steps(video_id))
        if await description.memo_value(IMPORTED_MEMO, default=False, type_hint=bool):
            progress = await after_a_fetch(progress, lambda: self.steps(video_id))
        fraction = self._told.raised(description.run_id, progress.fraction)
        return replace(progress, fraction=fraction, begun_at=description.start_time)

    async def record(self, video_id: str) -> RunRecord:
        """What the newest run did: its steps in the order in which they were asked for, its plan, its files.

        An empty record when there is no run.
        """
        description = await self._describe(video_id)
        if description is None:
            return RunRecord()
        async with unavailable_if_silent():
            history = await self._handle(video_id, description.run_id).fetch_history(rpc_timeout=START_TIMEOUT)
        converter = self._client.data_converter
        steps = await read_steps(history, description, converter)
        return replace(await read_making(history, converter), steps=tuple(steps))

    async def steps(self, video_id: str) -> list[StepRecord]:
        """The steps of that record."""
        return list((await self.record(video_id)).steps)

    async def queues(self) -> list[QueueState]:
        """Backlog and pollers of each of our task queues."""
        return await state_of_queues(self._client)

    async def workers(self) -> list[WorkerState] | None:
        """The workers that told of themselves lately, by queue; None where the server does not keep that."""
        async with unavailable_if_silent():
            return await living_workers(self._client)

    async def server_version(self) -> str:
        """Version of the Temporal server."""
        async with unavailable_if_silent():
            answer = await self._client.workflow_service.get_system_info(GetSystemInfoRequest(), timeout=START_TIMEOUT)
        return answer.server_version

    async def _describe(self, video_id: str) -> WorkflowExecutionDescription | None:
        try:
            async with unavailable_if_silent():
                return await self._handle(video_id).describe(rpc_timeout=START_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def _wait_until_closed(self, video_id: str, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds), unavailable_if_silent():
                await self._handle(video_id).result()
        except TimeoutError:
            return False
        except WorkflowFailureError:
            pass
        return True

    def _handle(self, video_id: str, run_id: str | None = None) -> WorkflowHandle[object, None]:
        return self._client.get_workflow_handle(workflow_id(video_id), run_id=run_id)


def _searchable(status: VideoStatus, user_id: str) -> TypedSearchAttributes:
    return TypedSearchAttributes(
        [SearchAttributePair(VIDEO_STATUS, status.value), SearchAttributePair(USER_ID, user_id)]
    )
