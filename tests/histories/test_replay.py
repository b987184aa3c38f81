"""A change that would break a video on its way fails here."""

import dataclasses
import json
from datetime import timedelta
from pathlib import Path as FilePath

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

with workflow.unsafe.imports_passed_through():  # the sandbox loads this module for the workflow that is in it
    from contracts.processing import VideoProcessingInput
    from contracts.temporal_names import VIDEO_PROCESSING_WORKFLOW, workflow_id
    from tests.histories.paths import PATHS, RECORDED_VIDEO_ID
    from workflows.replay import replay_history

FOLDER = FilePath(__file__).parent
RECORDED = sorted(FOLDER.glob("*.json"))


def load(path: FilePath) -> WorkflowHistory:
    return WorkflowHistory.from_json(workflow_id(RECORDED_VIDEO_ID), path.read_text())


def test_every_path_has_its_history() -> None:
    assert {path.stem for path in RECORDED} >= set(PATHS)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_todays_code_takes_a_finished_run_the_same_way(path: FilePath) -> None:
    verdict = await replay_history(load(path))
    assert verdict.deterministic, verdict.explanation


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_history_tells_nothing_of_the_machine_that_recorded_it(path: FilePath) -> None:
    text = json.dumps(json.loads(path.read_text()))
    assert "stackTrace" not in text
    assert "site-packages" not in text
    assert "@" not in text.replace("@type", "")


@workflow.defn(name=VIDEO_PROCESSING_WORKFLOW)
class PublishesBeforeItVerifies:
    """What a careless change would look like."""

    @workflow.run
    async def run(self, request: VideoProcessingInput) -> None:
        await workflow.execute_activity(
            "publish_files", dataclasses.asdict(request), start_to_close_timeout=timedelta(seconds=1)
        )
        raise NotImplementedError


async def test_a_changed_order_of_steps_is_found() -> None:
    history = load(FOLDER / "ready_copied.json")
    replayer = Replayer(workflows=[PublishesBeforeItVerifies])
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    assert isinstance(result.replay_failure, workflow.NondeterminismError)
