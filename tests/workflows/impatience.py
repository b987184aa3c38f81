"""A server that waits for nobody: the workflow is the real one, but its activities are missed and retried at once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.worker import (
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

SILENCE = timedelta(seconds=1)
AT_ONCE = timedelta(milliseconds=20)


class Impatient(Interceptor):
    """Worker interceptor: a second of silence, or of waiting for one worker, is a lost worker; retries follow at once.

    Args:
        most_attempts: So many attempts of an activity, or as many as the workflow allows.
    """

    def __init__(self, most_attempts: int | None = None) -> None:
        self._most_attempts = most_attempts

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002, ARG002 - Temporal's name and signature
    ) -> type[WorkflowInboundInterceptor]:
        """What changes the options of activities."""
        return type("Inbound", (_Inbound,), {"most_attempts": self._most_attempts})


class _Inbound(WorkflowInboundInterceptor):
    most_attempts: int | None = None

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound, self.most_attempts))


class _Outbound(WorkflowOutboundInterceptor):
    def __init__(self, outbound: WorkflowOutboundInterceptor, most_attempts: int | None) -> None:
        super().__init__(outbound)
        self._most_attempts = most_attempts

    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002 - Temporal's name
        policy = input.retry_policy or RetryPolicy()
        changed = replace(
            policy,
            initial_interval=AT_ONCE,
            maximum_interval=AT_ONCE,
            maximum_attempts=policy.maximum_attempts if self._most_attempts is None else self._most_attempts,
        )
        silence = SILENCE if input.heartbeat_timeout is not None else None
        begun = SILENCE if input.schedule_to_start_timeout is not None else None
        hurried = replace(input, heartbeat_timeout=silence, schedule_to_start_timeout=begun, retry_policy=changed)
        return super().start_activity(hurried)
