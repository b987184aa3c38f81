"""Starts the workflows that work through whole cohorts, and speaks with them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Final, Protocol

from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from contracts.cohorts import (
    PROGRESS_QUERY,
    VIDEO_COHORT_WORKFLOW,
    CohortInput,
    CohortProgress,
    CohortSignal,
    CohortSummary,
    cohort_id_of,
    cohort_workflow_id,
    progress_of,
)
from contracts.refusals import RefusalCode, Refused
from contracts.search_attributes import USER_ID
from contracts.status import CohortStatus
from contracts.temporal_names import CONTROL_QUEUE, START_TIMEOUT
from runs.answers import unavailable_if_silent
from runs.records import TemporalUnavailable

_QUERY_TIMEOUT: Final = timedelta(seconds=10)
_OWNER: Final = "user_id"
_IN_WORDS: Final = "in_words"
_ENDED: Final[Mapping[WorkflowExecutionStatus | None, CohortStatus]] = MappingProxyType(
    {
        WorkflowExecutionStatus.COMPLETED: CohortStatus.DONE,
        WorkflowExecutionStatus.CANCELED: CohortStatus.CANCELLED,
        WorkflowExecutionStatus.TERMINATED: CohortStatus.TERMINATED,
        WorkflowExecutionStatus.FAILED: CohortStatus.FAILED,
        WorkflowExecutionStatus.TIMED_OUT: CohortStatus.FAILED,
    }
)


class CohortRuns(Protocol):
    """Cohorts on their way. Every method raises ``TemporalUnavailable`` when there is no answer within seconds."""

    async def start(self, cohort_id: str, request: CohortInput) -> None:
        """Start one."""

    async def newest(self, user_id: str | None, *, limit: int) -> list[CohortSummary]:
        """Those of this user, or of anybody where that is None; the newest first."""

    async def progress(self, cohort_id: str, user_id: str | None) -> CohortProgress:
        """How far it is, or was when it ended. Raises ``Refused`` where there is none of this user, or of anybody."""

    async def pause(self, cohort_id: str, user_id: str | None) -> None:
        """Let it begin no more. Raises ``Refused`` likewise, and where it is over."""

    async def resume(self, cohort_id: str, user_id: str | None) -> None:
        """Let it go on. Raises ``Refused`` likewise."""

    async def cancel(self, cohort_id: str, user_id: str | None) -> None:
        """End it. Raises ``Refused`` likewise."""


class TemporalCohortRuns:
    """The cohorts, each a workflow.

    Args:
        client: Lazy or connected.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def start(self, cohort_id: str, request: CohortInput) -> None:
        """Start one."""
        async with unavailable_if_silent(not_found_is_an_answer=False):
            await self._client.start_workflow(
                VIDEO_COHORT_WORKFLOW,
                request,
                id=cohort_workflow_id(cohort_id),
                task_queue=CONTROL_QUEUE,
                memo={_OWNER: request.user_id, _IN_WORDS: request.in_words},
                search_attributes=TypedSearchAttributes(
                    [] if request.user_id is None else [SearchAttributePair(USER_ID, request.user_id)]
                ),
                static_summary=f"{request.in_words.capitalize()}: {request.total} videos",
                rpc_timeout=START_TIMEOUT,
            )

    async def newest(self, user_id: str | None, *, limit: int) -> list[CohortSummary]:
        """As Temporal lists them, moments after they were begun."""
        wanted = f"WorkflowType = '{VIDEO_COHORT_WORKFLOW}' AND ExecutionStatus != 'ContinuedAsNew'"
        if user_id is not None:
            quoted = user_id.replace("\\", "\\\\").replace("'", "\\'")
            wanted += f" AND {USER_ID.name} = '{quoted}'"
        async with unavailable_if_silent(not_found_is_an_answer=False):
            found = self._client.list_workflows(wanted, limit=limit, page_size=limit, rpc_timeout=_QUERY_TIMEOUT)
            return [await _summary(execution) async for execution in found]

    async def progress(self, cohort_id: str, user_id: str | None) -> CohortProgress:
        """How far it is, as a worker tells it; whether it was ended tells its run alone."""
        async with self._one_of(cohort_id, user_id) as handle:
            described = await handle.describe(rpc_timeout=_QUERY_TIMEOUT)
            try:
                told: CohortProgress = await handle.query(
                    PROGRESS_QUERY, result_type=CohortProgress, rpc_timeout=_QUERY_TIMEOUT
                )
            except WorkflowQueryFailedError as error:
                raise TemporalUnavailable(f"No worker tells how far the cohort is: {error.message}") from error
            except RPCError as error:
                if described.status not in _ENDED or error.status is not RPCStatusCode.FAILED_PRECONDITION:
                    raise
                told = await self._as_begun(handle)  # it was ended before a worker had it in hand
            return replace(told, status=_status(described.status, told))

    async def pause(self, cohort_id: str, user_id: str | None) -> None:
        """Let it begin no more."""
        async with self._one_of(cohort_id, user_id) as handle:
            await handle.signal(CohortSignal.PAUSE, rpc_timeout=START_TIMEOUT)

    async def resume(self, cohort_id: str, user_id: str | None) -> None:
        """Let it go on."""
        async with self._one_of(cohort_id, user_id) as handle:
            await handle.signal(CohortSignal.RESUME, rpc_timeout=START_TIMEOUT)

    async def cancel(self, cohort_id: str, user_id: str | None) -> None:
        """End it."""
        async with self._one_of(cohort_id, user_id) as handle:
            await handle.cancel(rpc_timeout=START_TIMEOUT)

    async def _as_begun(self, handle: WorkflowHandle[object, object]) -> CohortProgress:
        begun = await anext(handle.fetch_history_events(page_size=1, rpc_timeout=_QUERY_TIMEOUT))
        payloads = begun.workflow_execution_started_event_attributes.input.payloads
        (state,) = await self._client.data_converter.decode(payloads, [CohortInput])
        return progress_of(state, is_done=False)

    @asynccontextmanager
    async def _one_of(self, cohort_id: str, user_id: str | None) -> AsyncIterator[WorkflowHandle[object, object]]:
        handle: WorkflowHandle[object, object] = self._client.get_workflow_handle(cohort_workflow_id(cohort_id))
        none = Refused(RefusalCode.COHORT_NOT_FOUND, f"No cohort {cohort_id} is on its way.")
        try:
            async with unavailable_if_silent():
                if user_id is not None:
                    described = await handle.describe(rpc_timeout=START_TIMEOUT)
                    if await described.memo_value(_OWNER, default=None) != user_id:
                        raise none
                yield handle
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise none from error
            raise


async def _summary(execution: WorkflowExecution) -> CohortSummary:
    memo = await execution.memo()
    in_words = str(memo.get(_IN_WORDS, ""))
    status = _ENDED.get(execution.status, CohortStatus.RUNNING)
    return CohortSummary(cohort_id_of(execution.id), in_words, status, execution.start_time)


def _status(run: WorkflowExecutionStatus | None, told: CohortProgress) -> CohortStatus:
    if run in _ENDED:
        return _ENDED[run]
    if told.is_done:
        return CohortStatus.DONE
    return CohortStatus.PAUSED if told.is_paused else CohortStatus.RUNNING
