"""Turn our errors into Temporal's, in one place.

Activities raise ``VideoError``; the history gets an ``ApplicationError`` whose ``type`` is the error's stable code.
Temporal retries what passes by itself. What the work itself may cause is not retried by Temporal, but by the workflow,
which counts: there a lost worker can't use up the tries. The workflow decides on the type alone.
"""

from typing import Any

from temporalio.exceptions import ApplicationError, TemporalError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from contracts.errors import VideoError


class ErrorTypeInterceptor(Interceptor):
    """Worker interceptor that gives every ``VideoError`` its code as Temporal error type.

    Args:
        count_unforeseen: Whether an exception that nobody foresaw is left to the workflow too, as ffmpeg's failures
            are; else Temporal retries it.
    """

    def __init__(self, *, count_unforeseen: bool) -> None:
        self._count_unforeseen = count_unforeseen

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - Temporal's name
        """Wrap each activity of the worker."""
        return _ErrorTypeInbound(next, count_unforeseen=self._count_unforeseen)


class _ErrorTypeInbound(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, *, count_unforeseen: bool) -> None:  # noqa: A002 - Temporal's name
        super().__init__(next)
        self._count_unforeseen = count_unforeseen

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - Temporal's name
        try:
            return await super().execute_activity(input)
        except VideoError as error:
            # What lies behind it goes along as the cause; our own class would only say the same twice.
            final = error.counted or not error.retryable
            raise ApplicationError(str(error), type=error.code.value, non_retryable=final) from error.__cause__
        except TemporalError:
            raise
        except Exception as error:
            if not self._count_unforeseen:
                raise
            raise ApplicationError(str(error), type=type(error).__name__, non_retryable=True) from error
