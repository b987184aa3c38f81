"""``rushes list``, ``cancel``, ``retry`` and ``delete``."""

import asyncio
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from cli.arguments import AsJson, OptionalVideoId, VideoId, known_code, whole_id
from cli.cohorts import ENDS_WITH, UNTIL_BEGUN, retry_all
from cli.confirming import Yes, confirm
from cli.console import SHORT_ID, messages, output, plain_table, print_table, status_text, time_text
from cli.errors import CommandFailed, ExitCode
from cli.follow import follow
from cli.moments import moment_of
from cli.outcome import print_outcome
from cli.upload import Metadata, metadata_from
from cli.where import find_service
from client.views import VideoView
from contracts.status import VideoStatus

_WIDE: Final = 110
"""Columns from which a list has room for whole ids."""

_STATUSES: Final = " or ".join((", ".join(list(VideoStatus)[:-1]), list(VideoStatus)[-1]))


def list_videos(  # noqa: PLR0917 # each is an option, given by its name
    status: Annotated[
        VideoStatus | None, typer.Option(metavar="STATUS", help=f"Only videos that are {_STATUSES}.")
    ] = None,
    error_code: Annotated[
        str | None, typer.Option(help="Only videos in error for this reason.", metavar="CODE", callback=known_code)
    ] = None,
    title: Annotated[str | None, typer.Option(help="Only videos with this in their title.", metavar="TEXT")] = None,
    metadata: Metadata = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Only videos from then on; 2026-03-01, or 30min, 2h, 1d ago.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Only videos from before then, told in the same way.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only videos of this user; for administrators.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most videos to show.")] = 20,
    every: Annotated[bool, typer.Option("--all", help="Show all of them.")] = False,
    as_json: AsJson = False,
) -> None:
    """List videos, newest first."""
    kept = metadata_from(metadata)
    after = None if since is None else moment_of("--since", since)
    before = None if until is None else moment_of("--until", until)
    service = find_service()

    async def fetch() -> list[VideoView]:
        async with service.api() as api:
            found = api.videos(
                limit=None if every else limit,
                status=status,
                error_code=error_code,
                title=title,
                metadata=kept,
                created_after=after,
                created_before=before,
                user=user,
            )
            return [video async for video in found]

    videos = asyncio.run(fetch())
    if as_json:
        output().print_json(data=[video.model_dump(mode="json") for video in videos], indent=2)
    elif not videos:
        messages().print(
            "There are no such videos."
            if status or error_code or title or kept or after or before or user
            else "There are no videos."
        )
    else:
        console = output()
        print_table(table_of(videos, whole_ids=not console.is_terminal or console.width >= _WIDE))


def cancel(video_id: VideoId) -> None:
    """Cancel an upload or a running video; it ends in error with the code `cancelled`."""
    service = find_service()

    async def ask() -> str:
        async with service.api() as api:
            return (await api.cancel(await whole_id(api, video_id))).message

    output().print(f"{asyncio.run(ask())}.")


def retry(  # noqa: PLR0917 # each is an option, given by its name
    video_id: OptionalVideoId = None,
    code: Annotated[
        str | None,
        typer.Option(
            metavar="CODE", help="Instead of one: all that are in error for this reason.", callback=known_code
        ),
    ] = None,
    since: Annotated[str, typer.Option(metavar="WHILE", help="With --code: since then; 30min, 2h, 1d.")] = "1d",
    rate: Annotated[float, typer.Option(min=0.1, max=6000, help="With --code: how many are begun in a minute.")] = 60,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --code: only count them.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help=ENDS_WITH + UNTIL_BEGUN.format("--code"))] = False,
) -> None:
    """Process a failed video once more, from the file that was uploaded; or all that failed for one reason."""
    service = find_service()
    if (video_id is None) == (code is None):
        raise CommandFailed("Give either the ID of a video, or --code.", ExitCode.USAGE)

    async def ask_for_all(reason: str) -> None:
        async with service.api() as api:
            await retry_all(api, reason, since, a_minute=rate, dry_run=dry_run, wait=wait)

    async def ask(given: str) -> VideoView | None:
        async with service.api() as api:
            whole = await whole_id(api, given)
            accepted = await api.retry(whole)
            output().print(f"{accepted.message}.")
            if not wait:
                return None
            video = await follow(api, whole, messages())
            print_outcome(video, service, api, messages())
            return video

    if code is not None:
        asyncio.run(ask_for_all(code))
        return
    video = asyncio.run(ask(video_id or ""))
    if video is not None and video.status is not VideoStatus.READY:
        raise typer.Exit(ExitCode.FAILED)


def delete(video_id: VideoId, yes: Yes = False) -> None:
    """Delete a video and its files; one that is being processed is stopped first."""
    service = find_service()

    async def look() -> VideoView:
        async with service.api() as api:
            return await api.video(await whole_id(api, video_id))

    async def remove(found: VideoView) -> None:
        async with service.api() as api:
            await api.delete(str(found.id))

    video = asyncio.run(look())
    confirm(f"Delete {video.title} ({video.original_filename}, {video.status.value}) and its files?", yes=yes)
    asyncio.run(remove(video))
    output().print(f"Deleted {video.id}.")


def table_of(videos: list[VideoView], *, whole_ids: bool) -> Table:
    """One line a video. The title gives way where there is no room, and nothing else does."""
    table = plain_table("ID", "Status", "Uploaded", "Step or reason")
    table.add_column("Title")
    for video in videos:
        made = "made anew" if video.is_reprocessing else ""
        note = video.error_code or (made if video.progress is None else f"{video.progress:.0%} {video.step or ''}")
        shown_id = str(video.id) if whole_ids else str(video.id)[:SHORT_ID]
        title = Text(video.title, no_wrap=True, overflow="ellipsis")  # its column alone is one that gives way
        table.add_row(shown_id, status_text(video.status), time_text(video.created_at), note, title)
    return table
