"""How far a run is, told without asking a worker: from what Temporal's server knows of its activities."""

from collections.abc import Mapping, Sequence
from typing import Final

from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import WorkflowExecutionDescription
from temporalio.converter import DataConverter

from contracts.processing import Step, TranscodeProgress
from processing.records import LiveProgress, StepRecord, StepState

ACTIVITY_STEPS: Final[Mapping[str, Step]] = {
    "validate_video": Step.VALIDATE,
    "create_thumbnail": Step.THUMBNAIL,
    "transcode_video": Step.TRANSCODE,
    "verify_output": Step.VERIFY,
    "publish_files": Step.PUBLISH,
    "mark_ready": Step.FINISH,
    "mark_error": Step.FINISH,
    "withdraw_files": Step.FINISH,
    "clean_scratch": Step.FINISH,
}

_SPANS: Final[Mapping[Step, tuple[float, float]]] = {
    Step.VALIDATE: (0.0, 0.02),
    Step.THUMBNAIL: (0.02, 0.9),
    Step.TRANSCODE: (0.02, 0.9),
    Step.VERIFY: (0.9, 0.97),
    Step.PUBLISH: (0.97, 0.99),
    Step.FINISH: (0.99, 1.0),
}
"""Which part of the whole way each step is, from what steps of a minute's video take; the transcode is most of it."""


async def read_progress(description: WorkflowExecutionDescription, converter: DataConverter) -> LiveProgress | None:
    """Progress from the pending activities of an open run; None when none is pending, between two steps."""
    pending = {activity.activity_type.name: activity for activity in description.raw_description.pending_activities}
    # The transcode is the longer of the two that run side by side, so it stands for both.
    for name in ("transcode_video", *ACTIVITY_STEPS):
        if name in pending:
            step = ACTIVITY_STEPS[name]
            begin, end = _SPANS[step]
            within = await _heartbeat_fraction(pending[name], converter)
            return LiveProgress(
                step=step, fraction=round(begin + (end - begin) * within, 4), attempt=max(1, pending[name].attempt)
            )
    return None


def progress_between_steps(steps: Sequence[StepRecord]) -> LiveProgress:
    """Progress of an open run in which no activity is pending: where the last completed one ended."""
    completed = [
        ACTIVITY_STEPS[step.activity]
        for step in steps
        if step.state is StepState.COMPLETED and step.activity in ACTIVITY_STEPS
    ]
    if not completed:
        return LiveProgress(step=Step.VALIDATE, fraction=0.0, attempt=1)
    last = max(completed, key=lambda step: _SPANS[step][1])
    return LiveProgress(step=last, fraction=_SPANS[last][1], attempt=1)


async def _heartbeat_fraction(activity: PendingActivityInfo, converter: DataConverter) -> float:
    payloads = activity.heartbeat_details.payloads
    if not payloads:
        return 0.0
    (progress,) = await converter.decode(payloads, [TranscodeProgress])
    return float(progress.fraction)
