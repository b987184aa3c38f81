"""``rushes status``: how the whole service stands."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from cli.arguments import AsJson
from cli.console import fact_lines, output, print_facts
from cli.errors import CommandFailed, ExitCode, sentence_of
from cli.status_view import places, queue_table, running_table, videos_table, worker_table
from cli.where import Service, find_service
from client.asynchronous import AsyncRushes
from client.errors import CONNECTION_LOST, RushesError
from client.system_views import RunningView, SystemView
from contracts.status import VideoStatus

_EVERY_SECONDS: Final = 2.0
_ANSWER_SECONDS: Final = 15.0
"""Somebody who is called at night waits no minute to be told that the api hangs."""

_MOST_RUNNING: Final = 20


@dataclass(frozen=True)
class Standing:
    """How the service stands.

    Attributes:
        system: The whole of it.
        running: The videos that are being processed, those first that were uploaded first.
    """

    system: SystemView
    running: Sequence[RunningView]


def status(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Draw it anew every 2 s, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show videos, what runs, what waits, the workers, Temporal, storage, and the stack's processes."""
    service = find_service()
    if watch and not (as_json or output().is_terminal):
        raise CommandFailed("--watch draws on a terminal; elsewhere ask again with --json.", ExitCode.USAGE)
    if watch and not as_json:
        asyncio.run(_watch(service))
        return
    standing = asyncio.run(_look_once(service))
    if as_json:
        running = [video.model_dump(mode="json") for video in standing.running]
        output().print_json(data={**standing.system.model_dump(mode="json"), "running": running}, indent=2)
        return
    print_facts(output(), places(standing.system, service))
    output().print(Group(Text(), *_tables(standing)))


async def _look_once(service: Service) -> Standing:
    async with service.api() as api:
        return await _look(api)


async def _look(api: AsyncRushes) -> Standing:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            system, running = await asyncio.gather(api.system(), api.running(_MOST_RUNNING))
    except TimeoutError as error:
        raise RushesError(CONNECTION_LOST, f"The api did not answer within {_ANSWER_SECONDS:g} s.") from error
    return Standing(system, running)


async def _watch(service: Service) -> None:
    """Draw it anew until the task is cancelled; an api, or a database, that is away for a while is waited for."""
    known: Standing | None = None
    async with service.api() as api:
        with Live(console=output(), screen=True, auto_refresh=False) as live:
            while True:
                note, begun = "", time.monotonic()
                try:
                    known = await _look(api)
                except RushesError as error:
                    if not (error.is_unanswered or error.is_passing):
                        raise
                    note = sentence_of(error)
                clock = Text(f"{datetime.now().astimezone():%H:%M:%S}, every {_EVERY_SECONDS:g} s  ", style="dim")
                shown: list[RenderableType] = [Text.assemble(clock, (note, "yellow"))]
                if known is not None:
                    shown += [*fact_lines(places(known.system, service), output().width), Text(), *_tables(known)]
                live.update(Group(*shown), refresh=True)
                await asyncio.sleep(max(0.0, _EVERY_SECONDS - (time.monotonic() - begun)))


def _tables(standing: Standing) -> list[RenderableType]:
    system = standing.system
    parts: list[RenderableType] = [videos_table(system), Text()]
    if system.queues is None:
        parts.append(Text("The task queues are not known while Temporal does not answer.", style="yellow"))
    else:
        parts.append(queue_table(system.queues, system.workers))
    if system.workers:
        parts += [Text(), worker_table(system.workers)]
    if standing.running:
        parts += [Text(), running_table(standing.running)]
        left = system.videos[VideoStatus.PROCESSING] + system.reprocessing - len(standing.running)
        if left > 0:
            parts.append(Text(f"and {left} more", style="dim"))
    return parts
