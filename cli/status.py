"""``rushes status``: how the whole service stands."""

import asyncio

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cli.console import Facts, output, print_facts, status_text
from cli.videos import AsJson
from cli.views import SystemView
from cli.where import Service, find_service


def status(as_json: AsJson = False) -> None:
    """Show videos by status, the task queues and their workers, Temporal, and the stack's processes."""
    service = find_service()

    async def fetch() -> SystemView:
        async with service.api() as api:
            return await api.system()

    system = asyncio.run(fetch())
    if as_json:
        output().print_json(data=system.model_dump(mode="json"), indent=2)
        return
    _print_places(system, service)
    output().print(Group(Text(), _videos(system), Text(), _queues(system)))


def _print_places(system: SystemView, service: Service) -> None:
    temporal = f"{system.temporal.address}, namespace {system.temporal.namespace}"
    found = Text(f"{system.versions.temporal} at {temporal}")
    processes = service.stack.pids.items() if service.stack is not None else ()
    facts: Facts = [
        ("Rushes", f"{system.versions.rushes} at {service.api_url}"),
        ("Temporal", found if system.temporal.reachable else Text(f"no answer at {temporal}", style="red")),
        ("Web UI", service.settings.temporal_ui_url or system.temporal.ui_url),
        ("Profiles", ", ".join(f"{one.name} (default)" if one.is_default else one.name for one in system.profiles)),
        ("Processes", ", ".join(f"{name} {pid}" for name, pid in processes)),
    ]
    print_facts(output(), facts)


def _videos(system: SystemView) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Videos")
    table.add_column("", justify="right")
    for name, count in system.videos.items():
        table.add_row(status_text(name), str(count))
    return table


def _queues(system: SystemView) -> Table | Text:
    if system.queues is None:
        return Text("The task queues are not known while Temporal does not answer.", style="yellow")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Task queue", no_wrap=True)
    table.add_column("Waiting", justify="right")
    table.add_column("Workers", overflow="fold")
    for queue in system.queues:
        workers = "\n".join(queue.pollers)
        table.add_row(queue.name, str(queue.backlog), workers or Text("none", style="red"))
    return table
