"""How ``rushes status`` looks: facts and tables that fit a terminal of 80 columns."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from rich.table import Table
from rich.text import Text

from cli.console import SHORT_ID, Facts, duration_text, status_text
from cli.where import Service
from client.system_views import QueueView, RunningView, SystemView, WorkerView
from contracts.sizes import size_text
from contracts.worker_identity import WorkerIdentity

_LONG_AGO_SECONDS: Final = 30
_NEARLY_FULL_BYTES: Final = 2 * 1024**3


def places(system: SystemView, service: Service) -> Facts:
    """What runs, and where."""
    temporal = f"{system.temporal.address}, namespace {system.temporal.namespace}"
    found = f"{system.versions.temporal} at {temporal}"
    processes = service.stack.pids.items() if service.stack is not None else ()
    return [
        ("Rushes", f"{system.versions.rushes} at {service.api_url}"),
        ("Temporal", found if system.temporal.reachable else Text(f"no answer at {temporal}", style="red")),
        ("Web UI", service.settings.temporal_ui_url or system.temporal.ui_url),
        ("Profiles", ", ".join(f"{one.name} (default)" if one.is_default else one.name for one in system.profiles)),
        ("Files", _files(system)),
        ("Processes", ", ".join(f"{name} {pid}" for name, pid in processes)),
    ]


def _files(system: SystemView) -> Text:
    storage = system.storage
    if storage.kind == "bucket":
        return Text("in a bucket")
    if storage.free_bytes is None:
        return Text("on a disk that does not answer", style="red")
    style = "red" if storage.free_bytes < _NEARLY_FULL_BYTES else ""
    return Text(f"on a disk with {size_text(storage.free_bytes)} free", style=style)


def videos_table(system: SystemView) -> Table:
    """How many are where, and beside it what became of them in the last hour."""
    table = _table("Videos", ">", "Last hour", ">", "")
    lately = system.last_hour
    length = f"{duration_text(lately.ready_seconds)} of video" if lately.ready else ""
    became = [(Text("ready", style="green"), str(lately.ready), length)]
    became += [(Text(code, style="red"), str(count), "") for code, count in lately.failures.items()]
    counts = [(status_text(name), str(count)) for name, count in system.videos.items()]
    counts += [(Text("made anew", style="dim"), str(system.reprocessing))] if system.reprocessing else []
    for row in range(max(len(counts), len(became))):
        left = counts[row] if row < len(counts) else (Text(), "")
        right = became[row] if row < len(became) else (Text(), "", "")
        table.add_row(*left, *right)
    return table


def queue_table(queues: Sequence[QueueView], workers: Sequence[WorkerView] | None) -> Table:
    """What waits, for how long, and for whom."""
    table = _table("Task queue", ">Waiting", ">For", ">Busy", ">Free", "Workers")
    for queue in queues:
        serving = [worker for worker in workers or () if worker.queue == queue.name and not worker.is_stopping]
        names = [f"{one.host}:{one.process}" for one in serving] or [_short_name(poller) for poller in queue.pollers]
        table.add_row(
            queue.name,
            str(queue.backlog),
            duration_text(queue.backlog_age_seconds) if queue.backlog else "",
            str(sum(worker.busy_slots for worker in serving)) if serving else "",
            str(sum(worker.free_slots for worker in serving)) if serving else "",
            _one_line(", ".join(names)) if names else Text("none", style="red"),
        )
    return table


def worker_table(workers: Sequence[WorkerView]) -> Table:
    """Each worker on each of its queues."""
    now = datetime.now(UTC)
    table = _table("Worker", "Queue", ">Busy", ">Free", "Version", ">Seen", "")
    for worker in workers:
        ago = max(0.0, (now - worker.seen_at).total_seconds())
        seen = Text(f"{ago:.0f} s ago", style="red" if ago > _LONG_AGO_SECONDS else "")
        name = f"{worker.host}:{worker.process}"
        table.add_row(
            _one_line(f"{name} {worker.label}".strip()),
            _one_line(worker.queue),
            str(worker.busy_slots),
            str(worker.free_slots),
            worker.version,
            seen,
            Text("stopping", style="yellow") if worker.is_stopping else "",
        )
    return table


def running_table(videos: Sequence[RunningView]) -> Table:
    """Each video that is being processed."""
    now = datetime.now(UTC)
    table = _table("Running", "Step", ">Done", ">Speed", ">Left", ">Since", "Worker", "Title")
    for video in videos:
        since = (now - (video.begun_at or video.created_at)).total_seconds()
        table.add_row(
            str(video.id)[:SHORT_ID],
            video.step or Text("waits", style="dim"),
            "" if video.progress is None else f"{video.progress:.0%}",
            "" if video.speed is None else f"{video.speed:.1f}x",
            duration_text(video.time_left_seconds),
            duration_text(round(max(0.0, since))),
            _workers(video.workers),
            _one_line(video.title),
        )
    return table


def _workers(identities: Sequence[str]) -> Text:
    if len(identities) > 1:
        return Text(f"{len(identities)} workers")
    return _one_line(_short_name(identities[0]) if identities else "")


def _short_name(identity: str) -> str:
    """Host and process: the queue is said elsewhere."""
    worker = WorkerIdentity.read(identity)
    return identity if worker is None else f"{worker.host}:{worker.pid}"


def _one_line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")


def _table(*columns: str) -> Table:
    """A table of these columns, the ones with ``>`` to the right; only names and titles give way."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        gives_way = column in {"Worker", "Workers", "Title", "Queue"}
        table.add_column(
            column.lstrip(">"),
            justify="right" if column.startswith(">") else "left",
            no_wrap=True,
            overflow="ellipsis",
            min_width=8 if gives_way else None,
        )
    return table
