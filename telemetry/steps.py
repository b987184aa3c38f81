"""What a worker measures of each step."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, CancelledError, is_cancelled_exception
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from contracts.errors import ErrorCode

_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)
_SPEEDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32)
_KNOWN_CODES: Final = frozenset(code.value for code in ErrorCode)
_ENCODE: Final = "encode_chunk"


class StepMetrics:
    """Durations, outcomes and failures of steps, and how fast chunks are encoded.

    Args:
        registry: Where they are read.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.running = Gauge("rushes_steps_running", "Steps that this worker has in hand.", ["step"], registry=registry)
        self.seconds = Histogram(
            "rushes_step_duration_seconds",
            "How long one attempt of a step took.",
            ["step", "outcome"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.failures = Counter(
            "rushes_step_failures", "Attempts of a step that failed, by code.", ["step", "code"], registry=registry
        )
        self.speed = Histogram(
            "rushes_encode_speed_ratio",
            "Seconds of video made in a second, of each chunk.",
            buckets=_SPEEDS,
            registry=registry,
        )

    def expect(self, steps: Iterable[str]) -> None:
        """These may run here: their failures count from 0, so that the first of each code is an increase."""
        for step in steps:
            self.running.labels(step)
            for code in ErrorCode:
                self.failures.labels(step, code.value)


class StepMetricsInterceptor(Interceptor):
    """Measures every activity of a worker."""

    def __init__(self, metrics: StepMetrics) -> None:
        self._metrics = metrics

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - Temporal's name
        """Wrap each activity of the worker."""
        return _Measured(next, self._metrics)


@dataclass(frozen=True)
class _Ended:
    outcome: str
    code: str = ""


class _Measured(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, metrics: StepMetrics) -> None:  # noqa: A002 - Temporal's name
        super().__init__(next)
        self._metrics = metrics

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - Temporal's name
        step, begun = activity.info().activity_type, time.monotonic()
        ended = _Ended("completed")
        with self._metrics.running.labels(step).track_inprogress():
            try:
                result = await super().execute_activity(input)
            except BaseException as error:
                ended = _ended(error)
                raise
            else:
                self._tell_speed(step, input, time.monotonic() - begun)
                return result
            finally:
                self._metrics.seconds.labels(step, ended.outcome).observe(time.monotonic() - begun)
                if ended.code:
                    self._metrics.failures.labels(step, ended.code).inc()

    def _tell_speed(self, step: str, given: ExecuteActivityInput, seconds: float) -> None:
        if step != _ENCODE or not given.args or seconds <= 0:
            return
        request = given.args[0]
        self._metrics.speed.observe(request.chunk.frames / request.picture.encoding.frame_rate / seconds)


def _ended(error: BaseException) -> _Ended:
    if is_cancelled_exception(error) or isinstance(error, CancelledError):
        return _Ended("cancelled")
    if not isinstance(error, ApplicationError) or error.type is None:
        return _Ended("failed", ErrorCode.INTERNAL.value)
    is_named = error.type in _KNOWN_CODES or error.category == ApplicationErrorCategory.BENIGN
    return _Ended("failed", error.type if is_named else ErrorCode.INTERNAL.value)
