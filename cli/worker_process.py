"""``rushes worker``: ``worker.py``, with its options as those of a command."""

import runpy
import sys
from enum import StrEnum
from typing import Annotated

import typer

from contracts.temporal_names import CONTROL_QUEUE, MEDIA_QUEUE


class Queue(StrEnum):
    """What a worker works for."""

    CONTROL = CONTROL_QUEUE
    MEDIA = MEDIA_QUEUE
    ALL = "all"


def worker(
    queue: Annotated[
        Queue,
        typer.Option(metavar="QUEUE", help=f"Which task queue to work for: {CONTROL_QUEUE}, {MEDIA_QUEUE} or all."),
    ] = Queue.ALL,
    slots: Annotated[int | None, typer.Option(min=1, help="ffmpeg activities at once.")] = None,
    label: Annotated[str | None, typer.Option(help="What Temporal shows of this worker beside its host.")] = None,
) -> None:
    """Work for Rushes: on this machine's running stack or as the settings say, until SIGTERM or Ctrl-C."""
    chosen = {"--queue": queue.value, "--slots": slots, "--label": label}
    given = [text for name, value in chosen.items() if value is not None for text in (name, str(value))]
    sys.argv = ["worker.py", *given]
    runpy.run_module("worker", run_name="__main__", alter_sys=True)
