"""Would today's code take a finished run the same way?"""

from dataclasses import dataclass

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from workflows.video_cohort import VideoCohortWorkflow
from workflows.video_deletion import VideoDeletionWorkflow
from workflows.video_processing import VideoProcessingWorkflow
from workflows.webhook_delivery import WebhookDeliveryWorkflow


@dataclass(frozen=True)
class ReplayVerdict:
    """What a replay found.

    Attributes:
        deterministic: Whether the code asks for the same commands as the history has.
        explanation: Where it diverges, in Temporal's words; empty when it does not.
    """

    deterministic: bool
    explanation: str


async def replay_history(history: WorkflowHistory) -> ReplayVerdict:
    """Run the workflow's code against a history, without any side effect."""
    replayer = Replayer(
        workflows=[VideoProcessingWorkflow, VideoDeletionWorkflow, VideoCohortWorkflow, WebhookDeliveryWorkflow]
    )
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    failure = result.replay_failure
    return ReplayVerdict(deterministic=failure is None, explanation=str(failure) if failure is not None else "")
