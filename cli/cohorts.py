"""``rushes cohort``: many videos that are retried, or made anew, together."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from cli.arguments import AsJson, one_of
from cli.console import messages, output, plain_table, print_table, time_text
from cli.errors import CommandFailed, sentence_of
from cli.moments import moment_ago
from cli.where import find_service
from client.asynchronous import AsyncRushes
from client.errors import RushesError
from client.patience import Patience
from client.views import CohortSummary, CohortView

CohortId = Annotated[
    str,
    typer.Argument(metavar="ID", help="Id of the cohort, or its beginning: four digits or more.", show_default=False),
]
ENDS_WITH: Final = "Show the processing, and end with its outcome. "
UNTIL_BEGUN: Final = "With {}: show how many are begun, and end once all are."
_MOST_LOOKED_AT: Final = 100
_POLL_SECONDS: Final = 1.0
_ID: Final = re.compile(r"[0-9a-f]{16}")


async def retry_all(api: AsyncRushes, code: str, since: str, *, a_minute: float, dry_run: bool, wait: bool) -> None:
    """Retry all videos of one failure, and show how far that is until all are begun where that is waited for."""
    begun = await api.cohorts.retry(code, moment_ago("--since", since), a_minute=a_minute, dry_run=dry_run)
    videos = f"{counted(begun.total)} in error with {code} since {since} ago"
    if begun.cohort_id is None:
        say_that_none_was_begun(videos, dry_run=dry_run)
        return
    await go_with(api, begun.cohort_id, videos, a_minute=a_minute, wait=wait)


def counted(total: int) -> str:
    """So many videos."""
    return f"{total} {'video' if total == 1 else 'videos'}"


def say_that_none_was_begun(videos: str, *, dry_run: bool) -> None:
    """How many are counted is what was asked for; that there are none is said where an id is not."""
    told = "nothing was begun" if dry_run else "there is nothing to do"
    (output() if dry_run else messages()).print(f"{videos}: {told}.", soft_wrap=True)


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
        seen, patience = None, Patience()
        while seen is None or not seen.is_over:
            try:
                seen = await api.cohorts.get(cohort_id)
            except RushesError as error:
                patience.bear(error)
                progress.update(task, note=sentence_of(error))
            else:
                patience.renew()
                note = "paused" if seen.is_paused else ""
                progress.update(task, total=seen.total, completed=seen.retried + seen.passed_over, note=note)
            if seen is None or not seen.is_over:
                await asyncio.sleep(_POLL_SECONDS)
    if not seen.is_done:
        told = _told(seen)
        raise CommandFailed(f"The cohort ended before all were begun. {told[:1].upper()}{told[1:]}.")
    console.print(_told(seen), soft_wrap=True)
    if seen.retried:
        console.print("`rushes status` and `rushes list` tell what becomes of them.", soft_wrap=True)


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


def show(cohort_id: CohortId, as_json: AsJson = False) -> None:
    """Show how far a cohort is."""

    async def ask() -> CohortView:
        async with find_service().api() as api:
            return await api.cohorts.get(await _whole(api, cohort_id))

    seen = asyncio.run(ask())
    if as_json:
        output().print_json(data=seen.model_dump(mode="json"), indent=2)
        return
    output().print(_told(seen), soft_wrap=True)


def pause(cohort_id: CohortId) -> None:
    """Let a cohort begin no more videos; those that were begun go on."""
    whole = _tell(cohort_id, lambda api, whole: api.cohorts.pause(whole))
    output().print(f"{whole} begins no more videos until `rushes cohort resume {whole}`.", soft_wrap=True)


def resume(cohort_id: CohortId) -> None:
    """Let a cohort go on."""
    output().print(f"{_tell(cohort_id, lambda api, whole: api.cohorts.resume(whole))} goes on.", soft_wrap=True)


def cancel(cohort_id: CohortId) -> None:
    """End a cohort; videos that were begun go on."""
    whole = _tell(cohort_id, lambda api, whole: api.cohorts.cancel(whole))
    output().print(f"{whole} has ended. Videos that it had begun go on.", soft_wrap=True)


def _tell(cohort_id: str, tell: Callable[[AsyncRushes, str], Awaitable[None]]) -> str:
    """The whole id of the cohort that was told."""

    async def ask() -> str:
        async with find_service().api() as api:
            whole = await _whole(api, cohort_id)
            await tell(api, whole)
            return whole

    return asyncio.run(ask())


async def _whole(api: AsyncRushes, given: str) -> str:
    newest = await api.cohorts.newest(_MOST_LOOKED_AT)
    whole = one_of(given, [cohort.cohort_id for cohort in newest], "cohort")
    if not _ID.fullmatch(whole):
        raise CommandFailed(f"There is no cohort whose id begins with {given}. (cohort_not_found)")
    return whole


def _told(seen: CohortView) -> str:
    standing = seen.status or ("done" if seen.is_done else "paused" if seen.is_paused else "running")
    of = f" ({seen.in_words})" if seen.in_words else ""
    return f"{standing}{of}: {seen.retried} of {seen.total} begun, {seen.passed_over} passed over"
