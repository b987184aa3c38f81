"""``rushes retry --code …`` and ``rushes cohort``: many videos retried together."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cli.console import messages, output
from cli.errors import CommandFailed, ExitCode
from cli.where import find_service
from client.asynchronous import AsyncRushes
from client.views import CohortView

CohortId = Annotated[str, typer.Argument(metavar="ID", help="Id of the cohort.", show_default=False)]
_SINCE: Final = re.compile(r"(\d{1,5})(min|h|d)")
_UNITS: Final = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_POLL_SECONDS: Final = 1.0


def moment_of(since: str) -> datetime:
    """When ``30min``, ``2h`` or ``1d`` ago was. Raises ``CommandFailed``."""
    found = _SINCE.fullmatch(since)
    if found is None:
        raise CommandFailed(f"--since is a while such as 30min, 2h or 1d, not {since!r}.", ExitCode.USAGE)
    return datetime.now(UTC) - int(found[1]) * _UNITS[found[2]]


async def retry_all(api: AsyncRushes, code: str, since: str, *, a_minute: float, dry_run: bool, wait: bool) -> None:
    """Retry all videos of one failure, and show how far that is where it is waited for."""
    begun = await api.cohorts.retry(code, moment_of(since), a_minute=a_minute, dry_run=dry_run)
    videos = f"{begun.total} {'video' if begun.total == 1 else 'videos'} in error with {code} since {since} ago"
    if begun.cohort_id is None:
        output().print(f"{videos}: {'nothing was begun' if dry_run else 'nothing to retry'}.", soft_wrap=True)
        return
    how_to_hold = f"`rushes cohort pause {begun.cohort_id}` holds it."
    messages().print(f"{videos}, {a_minute:g} a minute. {how_to_hold}", soft_wrap=True)
    output().print(begun.cohort_id)
    if wait:
        await _follow(api, begun.cohort_id, messages())


async def _follow(api: AsyncRushes, cohort_id: str, console: Console) -> None:
    columns = TextColumn("Retrying"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}")
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("cohort", total=None, note="")
        while not (seen := await api.cohorts.get(cohort_id)).is_done:
            note = "paused" if seen.is_paused else ""
            progress.update(task, total=seen.total, completed=seen.retried + seen.passed_over, note=note)
            await asyncio.sleep(_POLL_SECONDS)
    console.print(_told(seen), soft_wrap=True)


def show(cohort_id: CohortId) -> None:
    """Show how far a cohort is."""

    async def ask() -> CohortView:
        async with find_service().api() as api:
            return await api.cohorts.get(cohort_id)

    output().print(_told(asyncio.run(ask())), soft_wrap=True)


def pause(cohort_id: CohortId) -> None:
    """Let a cohort begin no more videos; those that were begun go on."""
    _tell(lambda api: api.cohorts.pause(cohort_id))


def resume(cohort_id: CohortId) -> None:
    """Let a cohort go on."""
    _tell(lambda api: api.cohorts.resume(cohort_id))


def cancel(cohort_id: CohortId) -> None:
    """End a cohort; videos that were begun go on."""
    _tell(lambda api: api.cohorts.cancel(cohort_id))


def _tell(tell: Callable[[AsyncRushes], Awaitable[None]]) -> None:
    async def ask() -> None:
        async with find_service().api() as api:
            await tell(api)

    asyncio.run(ask())


def _told(seen: CohortView) -> str:
    standing = "done" if seen.is_done else "paused" if seen.is_paused else "running"
    return f"{standing}: {seen.retried} of {seen.total} retried, {seen.passed_over} passed over"
