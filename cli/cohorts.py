"""``rushes cohort``: many videos that are retried, or made anew, together."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from cli.arguments import AsJson
from cli.console import messages, output, plain_table, print_table, time_text
from cli.errors import CommandFailed, ExitCode
from cli.where import find_service
from client.asynchronous import AsyncRushes
from client.views import CohortSummary, CohortView

CohortId = Annotated[str, typer.Argument(metavar="ID", help="Id of the cohort.", show_default=False)]
_SINCE: Final = re.compile(r"(\d{1,5})(min|h|d)")
_UNITS: Final = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_POLL_SECONDS: Final = 1.0


def moment_ago(while_text: str) -> datetime | None:
    """When ``30min``, ``2h`` or ``1d`` ago was; None for another text."""
    found = _SINCE.fullmatch(while_text)
    return None if found is None else datetime.now(UTC) - int(found[1]) * _UNITS[found[2]]


def moment_of(since: str) -> datetime:
    """The same. Raises ``CommandFailed``."""
    moment = moment_ago(since)
    if moment is None:
        raise CommandFailed(f"--since is a while such as 30min, 2h or 1d, not {since!r}.", ExitCode.USAGE)
    return moment


async def retry_all(api: AsyncRushes, code: str, since: str, *, a_minute: float, dry_run: bool, wait: bool) -> None:
    """Retry all videos of one failure, and show how far that is where it is waited for."""
    begun = await api.cohorts.retry(code, moment_of(since), a_minute=a_minute, dry_run=dry_run)
    videos = f"{counted(begun.total)} in error with {code} since {since} ago"
    if begun.cohort_id is None:
        output().print(f"{videos}: {'nothing was begun' if dry_run else 'nothing to retry'}.", soft_wrap=True)
        return
    await go_with(api, begun.cohort_id, videos, a_minute=a_minute, wait=wait)


def counted(total: int) -> str:
    """So many videos."""
    return f"{total} {'video' if total == 1 else 'videos'}"


async def go_with(api: AsyncRushes, cohort_id: str, videos: str, *, a_minute: float, wait: bool) -> None:
    """Say that these videos are begun, and show how far that is where it is waited for."""
    how_to_hold = f"`rushes cohort pause {cohort_id}` holds it."
    messages().print(f"{videos}, {a_minute:g} a minute. {how_to_hold}", soft_wrap=True)
    output().print(cohort_id)
    if wait:
        await _follow(api, cohort_id, messages())


async def _follow(api: AsyncRushes, cohort_id: str, console: Console) -> None:
    columns = TextColumn("Begun"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}")
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("cohort", total=None, note="")
        while not (seen := await api.cohorts.get(cohort_id)).is_done:
            note = "paused" if seen.is_paused else ""
            progress.update(task, total=seen.total, completed=seen.retried + seen.passed_over, note=note)
            await asyncio.sleep(_POLL_SECONDS)
    console.print(_told(seen), soft_wrap=True)


def list_cohorts(
    limit: Annotated[int, typer.Option(min=1, max=100, help="Most cohorts to show.")] = 20, as_json: AsJson = False
) -> None:
    """List cohorts, newest first."""

    async def ask() -> list[CohortSummary]:
        async with find_service().api() as api:
            return await api.cohorts.newest(limit)

    found = asyncio.run(ask())
    if as_json:
        output().print_json(data=[cohort.model_dump(mode="json") for cohort in found], indent=2)
        return
    if not found:
        messages().print("There are no cohorts.")
        return
    table = plain_table("ID", "Status", "Begun")
    table.add_column("What")
    for cohort in found:
        table.add_row(cohort.cohort_id, cohort.status, time_text(cohort.started_at), Text(cohort.in_words))
    print_table(table)


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
    of = f" ({seen.in_words})" if seen.in_words else ""
    return f"{standing}{of}: {seen.retried} of {seen.total} begun, {seen.passed_over} passed over"
