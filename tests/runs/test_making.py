"""What a run's history tells of its plan and its files."""

from pathlib import Path
from typing import Final

import pytest
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter

from runs.making import read_making

_HISTORIES: Final = Path(__file__).resolve().parents[1] / "histories"


def recorded(name: str) -> WorkflowHistory:
    """The recorded history of that path."""
    return WorkflowHistory.from_json("video", (_HISTORIES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("path", "plan"),
    [
        ("ready_copied", "picture copied, sound copied"),
        ("ready_encoded_in_chunks", "picture encoded"),
        ("ready_made_anew", "what was copied could not be verified"),
    ],
)
async def test_the_plan_is_that_of_the_newest_making(path: str, plan: str) -> None:
    record = await read_making(recorded(path), DataConverter.default)
    assert plan in (record.plan or "")


async def test_a_run_that_never_looked_at_its_file_has_no_plan() -> None:
    record = await read_making(recorded("error_not_claimed"), DataConverter.default)
    assert (record.plan, record.before, record.after) == (None, None, None)
