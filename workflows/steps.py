"""How the workflow takes a step, and how steps run together."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception
from temporalio.workflow import ActivityConfig

with workflow.unsafe.imports_passed_through():
    from contracts.errors import ErrorCode
    from contracts.temporal_names import tried_again
    from workflows.activity_options import MOST_FAILURES, at_hand_options, pause_after

Request = TypeVar("Request")
Result = TypeVar("Result")

_NOT_REPEATED: Final = frozenset(ErrorCode) - {
    ErrorCode.TRANSCODE_FAILED,
    ErrorCode.OUTPUT_MISMATCH,
    ErrorCode.SOURCE_FAILED,
    ErrorCode.INTERNAL,
}
"""Types of failures that are not tried again here: Temporal has done so, or it makes no sense."""


class Steps:
    """Takes the steps of one run."""

    def __init__(self) -> None:
        """Have taken none. Made within a run, on its own event loop."""
        self._asked: Counter[str] = Counter()
        asyncio.get_running_loop().set_exception_handler(_tell_of_what_nobody_asked)

    async def take(
        self,
        activity: Callable[[Any, Request], Awaitable[Result]],
        request: Request,
        options: ActivityConfig,
        *,
        activity_id: str,
        summary: str,
        most_failures: int = MOST_FAILURES,
        at_hand: str | None = None,
    ) -> Result:
        """Run an activity to its end; where its work itself fails, a few times.

        Args:
            activity: A method of a class of activities.
            request: Its input.
            options: From ``workflows.activity_options``.
            activity_id: From ``contracts.temporal_names.ActivityId``.
            summary: A line that Temporal's Web UI shows beside it.
            most_failures: How often the work itself may fail.
            at_hand: The queue of a worker that has the files here already; it is asked first.

        Returns:
            The activity's result.

        Raises:
            ActivityError: It failed for good.
            asyncio.CancelledError: The run was cancelled, whatever the step says: one that completes, or whose worker
                is gone, does not tell of a cancel.
        """
        failures = 0
        while True:
            asked = at_hand_options(options, at_hand) if at_hand is not None else options
            try:
                result = await self._run(activity, request, asked, activity_id, summary)
            except ActivityError as failure:
                raise_if_cancelled()
                if at_hand is not None:
                    at_hand = None
                    if _is_to_be_asked_of_others(failure):
                        continue
                failures += 1
                if failures == most_failures or not _may_pass_when_repeated(failure):
                    raise
                await workflow.sleep(pause_after(failures))
            else:
                raise_if_cancelled()
                return result

    async def end(
        self,
        activity: Callable[[Any, Request], Awaitable[Result]],
        request: Request,
        options: ActivityConfig,
        *,
        activity_id: str,
        summary: str,
    ) -> Result | None:
        """Run an activity of a run's end, also of one that was cancelled.

        Returns:
            The activity's result; None where it failed for good, which must not keep the rest from being done.
        """
        try:
            return await self._run(activity, request, options, activity_id, summary)
        except ActivityError as failure:
            workflow.logger.warning("%s failed at the end of the run: %s", activity_id, failure.cause)
            return None

    async def _run(
        self,
        activity: Callable[[Any, Request], Awaitable[Result]],
        request: Request,
        options: ActivityConfig,
        activity_id: str,
        summary: str,
    ) -> Result:
        self._asked[activity_id] += 1
        number = self._asked[activity_id]
        described: ActivityConfig = {**options, "summary": summary, "activity_id": tried_again(activity_id, number)}
        return await workflow.execute_activity_method(activity, request, **described)


def raise_if_cancelled() -> None:
    """Raise ``CancelledError`` where somebody has asked to cancel this run."""
    if workflow.cancellation_reason() is not None:
        raise asyncio.CancelledError


def is_to_be_made_anew(failure: ActivityError) -> bool:
    """Whether an output was not what was asked for, or could not be put together: looking again would not help."""
    cause = failure.cause
    if failure.activity_type not in {"join_streams", "verify_output"} or not isinstance(cause, ApplicationError):
        return False
    is_missing = cause.type == ErrorCode.STORAGE_FAILED and cause.non_retryable
    return is_missing or cause.type in {ErrorCode.OUTPUT_MISMATCH, ErrorCode.TRANSCODE_FAILED}


async def side_by_side(*steps: Coroutine[Any, Any, Any]) -> list[Any]:
    """Wait until all have succeeded. The first failure, or a cancel, stops the others and waits for their end.

    Waiting matters: what still runs may still write.

    Returns:
        Their results, in order.
    """
    tasks = [asyncio.create_task(step) for step in steps]
    try:
        return await asyncio.gather(*tasks)
    except (asyncio.CancelledError, FailureError):
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def to_the_end(ending: Coroutine[Any, Any, None]) -> None:
    """Run what has to be done at the end of a run, also when the run is cancelled while it is under way.

    A run is cancelled once at the most, so the second wait is not interrupted. The cancel comes too late to change the
    run's fate and is dropped.
    """
    task = asyncio.create_task(ending)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task


def _tell_of_what_nobody_asked(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log it as ever, but for the failure of a step that comes together with the cancel of its run.

    The SDK asks then for the cancel alone, and leaves the other answer to the garbage collector, by which it would be
    told as an error (``Future exception was never retrieved``). The run is cancelled, and its history has the failure.
    """
    is_of_task = isinstance(context.get("future"), asyncio.Task)  # one of ours, which is to be waited for
    if is_of_task or not isinstance(context.get("exception"), ActivityError):
        loop.default_exception_handler(context)


def _is_to_be_asked_of_others(failure: ActivityError) -> bool:
    """Whether a worker did not come to its work, or met what Temporal would try again elsewhere."""
    if is_cancelled_exception(failure):
        return False
    cause = failure.cause
    return not isinstance(cause, ApplicationError) or not cause.non_retryable


def _may_pass_when_repeated(failure: ActivityError) -> bool:
    cause = failure.cause
    if is_cancelled_exception(failure) or not isinstance(cause, ApplicationError):
        return False  # a timeout: Temporal has retried it for as long as makes sense
    return cause.type not in _NOT_REPEATED
