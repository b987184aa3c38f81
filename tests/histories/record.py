"""Record the history of every path anew: ``make histories``; of some: ``python -m tests.histories.record error_final``.

Run it when the workflow's commands change on purpose, after the change is guarded by a patch id, and keep the old files
under a new name: runs that began before the change still have to replay.
"""

import asyncio
import sys
from collections.abc import Collection
from pathlib import Path as FilePath

from temporalio.api.failure.v1 import Failure
from temporalio.client import WorkflowHistory

from tests.fixtures.temporal import start_dev_server, start_time_skipping
from tests.histories.paths import PATHS, walk

FOLDER = FilePath(__file__).parent


async def record(names: Collection[str]) -> None:
    """Walk each of the paths on a server of its own and write ``{path}.json`` beside this file."""
    for name in names:
        path = PATHS[name]
        async with await (start_time_skipping() if path.skips_time else start_dev_server()) as environment:
            history = await walk(environment.client, path)
        await asyncio.to_thread((FOLDER / f"{name}.json").write_text, _without_the_machine(history).to_json() + "\n")
        sys.stderr.write(f"{name}: {len(history.events)} events\n")


def _without_the_machine(history: WorkflowHistory) -> WorkflowHistory:
    """Drop what tells of the machine that recorded: stack traces with its paths, names of its processes."""
    for event in history.events:
        for attributes in (value for field, value in event.ListFields() if field.name.endswith("_attributes")):
            for field, value in attributes.ListFields():
                if field.name == "identity":
                    attributes.identity = "worker"
                elif isinstance(value, Failure):
                    _drop_traces(value)
    return history


def _drop_traces(failure: Failure) -> None:
    failure.ClearField("stack_trace")
    if failure.HasField("activity_failure_info"):
        failure.activity_failure_info.identity = "worker"
    if failure.HasField("cause"):
        _drop_traces(failure.cause)


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1:] or PATHS))
