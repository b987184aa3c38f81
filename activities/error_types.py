"""Turn our errors into Temporal's, in one place.

Activities raise ``VideoError``; the history gets an ``ApplicationError`` whose ``type`` is the error's stable code, and
that is retried or not as the error says. The workflow decides on the type alone.
"""

from typing import Any

from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from contracts.errors import VideoError


class ErrorTypeInterceptor(Interceptor):
    """Worker interceptor that gives every ``VideoError`` its code as Temporal error type."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - Temporal's name
        """Wrap each activity of the worker."""
        return _ErrorTypeInbound(next)


class _ErrorTypeInbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - Temporal's name
        try:
            return await super().execute_activity(input)
        except VideoError as error:
            # What lies behind it goes along as the cause; our own class would only say the same twice.
            raise ApplicationError(
                str(error), type=error.code.value, non_retryable=not error.retryable
            ) from error.__cause__
