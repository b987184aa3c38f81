"""``rushes replay``: would today's code take a finished video the same way?"""

import asyncio
import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from google.protobuf.json_format import ParseError
from rich.text import Text
from temporalio.client import WorkflowHistory
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode

from cli.arguments import is_beginning, whole_id
from cli.console import messages, output
from cli.errors import CommandFailed, ExitCode
from cli.temporal import temporal_of
from cli.where import Service, find_service
from contracts.temporal_names import deletion_workflow_id, workflow_id
from workflows.replay import replay_history

_MESSAGE: Final = re.compile(r'message: "(?P<text>(?:[^"\\]|\\.)+)"')


def replay(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="ID|FILE",
            help="Id of a video or of one of its workflows, or a file made by `temporal workflow show --output json`.",
            show_default=False,
        ),
    ],
) -> None:
    """Replay a video's history against this version's workflow. Exits with 1 where they diverge."""
    # The core of the SDK would write its own account of a divergence to standard output.
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=None)))
    file = Path(subject)
    history = read_history(file) if file.is_file() else asyncio.run(_fetch(subject))
    verdict = asyncio.run(replay_history(history))
    events = f"{len(history.events)} events of {history.workflow_id}"
    if verdict.deterministic:
        output().print(f"deterministic: today's code takes the {events} the same way.", soft_wrap=True)
        return
    output().print(f"diverges: today's code does not take the {events} the same way.", soft_wrap=True)
    messages().print(Text(_sentence(verdict.explanation), style="red"), soft_wrap=True)
    raise typer.Exit(ExitCode.FAILED)


def _sentence(explanation: str) -> str:
    """The message within what the SDK's core says of a failure; all of it where there is none."""
    found = _MESSAGE.search(explanation)
    return found["text"] if found else explanation


def read_history(file: Path) -> WorkflowHistory:
    """A history from the temporal CLI's JSON.

    Raises:
        CommandFailed: The file holds something else.
    """
    try:
        read: Any = json.loads(file.read_text(encoding="utf-8"))
        history = WorkflowHistory.from_json(_id_in(read) or file.stem, read)
    except OSError as error:
        raise CommandFailed(f"{file} can't be read: {error.strerror or error}.", ExitCode.USAGE) from error
    except (ValueError, TypeError, AttributeError, LookupError, ParseError) as error:
        raise CommandFailed(
            f"{file} is not a workflow's history: {error}. `temporal workflow show --workflow-id video-ID --output "
            "json` makes one.",
            ExitCode.USAGE,
        ) from error
    if not history.events:
        raise CommandFailed(f"The history in {file} has no events.", ExitCode.USAGE)
    return history


def _id_in(read: Any) -> str | None:
    """The workflow's id, which the first event of a history tells."""
    first = read["events"][0].get("workflowExecutionStartedEventAttributes", {})
    return first.get("workflowId") or None


async def _workflow_id(service: Service, subject: str) -> str:
    """Of a video that may be deleted already, so that only of the beginning of an id the api is asked."""
    named = deletion_workflow_id if subject.startswith("delete-") else workflow_id
    video_id = subject.removeprefix("video-").removeprefix("delete-")
    with suppress(ValueError):
        return named(str(UUID(video_id)))
    if not is_beginning(video_id):
        raise CommandFailed(f"{subject} is neither a file nor the id of a video.", ExitCode.USAGE)
    async with service.api() as api:
        return named(await whole_id(api, video_id))


async def _fetch(subject: str) -> WorkflowHistory:
    service = find_service()
    identifier = await _workflow_id(service, subject)
    client = await temporal_of(service)
    try:
        return await client.get_workflow_handle(identifier).fetch_history()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise CommandFailed(
                f"Temporal has no workflow {identifier}; it was never started, or its history was removed after the "
                "namespace's retention time."
            ) from error
        raise CommandFailed(f"Temporal does not give the history: {error.message}", ExitCode.UNAVAILABLE) from error
