"""Read from a run's history what was to be made of the video, and what its file was before and after."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter

from media.facts import FileFacts
from media.plan import TranscodePlan
from runs.records import RunRecord

_VALIDATE: Final = "validate_video"
_JOIN: Final = "join_streams"
_VERIFY: Final = "verify_output"


@dataclass(frozen=True)
class _Validated:
    """What is read of the result of ``validate_video``."""

    plan: TranscodePlan
    source: FileFacts | None = None


@dataclass(frozen=True)
class _ToBeJoined:
    """What is read of the input of ``join_streams``: the plan of that making."""

    plan: TranscodePlan


@dataclass(frozen=True)
class _Verified:
    """What is read of the result of ``verify_output``."""

    output: FileFacts | None = None


Read = TypeVar("Read")


async def read_making(history: WorkflowHistory, converter: DataConverter) -> RunRecord:
    """The plan of the newest making, and the files, as far as the run has come; without its steps."""
    names: dict[int, str] = {}
    plan: TranscodePlan | None = None
    before: FileFacts | None = None
    after: FileFacts | None = None
    for event in history.events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            scheduled = event.activity_task_scheduled_event_attributes
            names[event.event_id] = scheduled.activity_type.name
            if scheduled.activity_type.name == _JOIN:
                plan = (await _read(scheduled.input.payloads, _ToBeJoined, converter)).plan
        elif event.HasField("activity_task_completed_event_attributes"):
            completed = event.activity_task_completed_event_attributes
            name = names[completed.scheduled_event_id]
            if name == _VALIDATE:
                validated = await _read(completed.result.payloads, _Validated, converter)
                plan, before = validated.plan, validated.source
            elif name == _VERIFY:
                after = (await _read(completed.result.payloads, _Verified, converter)).output
    return RunRecord(plan=plan.in_words if plan is not None else None, before=before, after=after)


async def _read(payloads: Sequence[Payload], kind: type[Read], converter: DataConverter) -> Read:
    (read,) = await converter.decode(payloads, [kind])
    return cast("Read", read)
