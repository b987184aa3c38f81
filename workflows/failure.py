"""The one place that turns a failure into an ``error_code`` and a sentence for the video's owner."""

from typing import Final

from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    is_cancelled_exception,
)
from temporalio.exceptions import (
    TimeoutError as TemporalTimeoutError,
)

from contracts.errors import ErrorCode

CANCELLED_REASON: Final = "The processing was cancelled. Retry the video to process it after all."


def explain(failure: BaseException, *, cancelled: bool) -> tuple[ErrorCode, str]:
    """Name the reason why a run ended.

    Decides on the ``type`` of Temporal's errors alone, never on their text.

    Args:
        failure: What ended it.
        cancelled: Whether somebody has asked to cancel it; then that is the reason, whatever the failure says. A step
            whose worker is gone shows a timeout, as the server does not try a cancelled step again.

    Returns:
        The stable code, and a sentence that says what happened and what to do.
    """
    if cancelled or is_cancelled_exception(failure):
        return ErrorCode.CANCELLED, CANCELLED_REASON
    step = failure.activity_type if isinstance(failure, ActivityError) else None
    cause = failure.cause if isinstance(failure, ActivityError) else failure
    # A step that ran out of time while it was retried says so; the failure that it was retried for says more.
    if isinstance(cause, TemporalTimeoutError) and isinstance(cause.cause, ApplicationError):
        cause = cause.cause
    if isinstance(cause, TemporalTimeoutError):
        return ErrorCode.TIMED_OUT, (
            f"The step {step or 'of the workflow'} took longer than it may, every retry included. Retry the video; if "
            "it happens again, see the video's steps for the worker and its log."
        )
    if isinstance(cause, ApplicationError) and cause.type in set(ErrorCode):
        return ErrorCode(cause.type), cause.message
    return ErrorCode.INTERNAL, (
        f"The step {step or 'of the workflow'} failed unexpectedly. Retry the video; if it happens again, see the "
        "video's steps for the failure and report it."
    )
