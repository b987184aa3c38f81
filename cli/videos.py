"""``rushes list``, ``show``, ``cancel``, ``retry`` and ``delete``."""

import asyncio
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table
from rich.text import Text

from cli.api_client import ApiRefused
from cli.console import Facts, duration_text, messages, output, print_facts, size_text, status_text, time_text
from cli.errors import CommandFailed, ExitCode
from cli.follow import follow
from cli.outcome import error_text, print_outcome
from cli.steps_view import steps_table
from cli.upload import Metadata, metadata_from
from cli.views import StepView, VideoView
from cli.where import Service, find_service
from contracts.status import VideoStatus

VideoId = Annotated[UUID, typer.Argument(metavar="ID", help="Id of the video.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: JSON instead of a table.")]


def list_videos(  # noqa: PLR0917 # each is an option, given by its name
    status: Annotated[VideoStatus | None, typer.Option(help="Only videos in this status.")] = None,
    error_code: Annotated[
        str | None, typer.Option(help="Only videos in error for this reason.", metavar="CODE")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Only videos with this in their title.", metavar="TEXT")] = None,
    metadata: Metadata = None,
    limit: Annotated[int, typer.Option(min=1, help="Most videos to show.")] = 20,
    every: Annotated[bool, typer.Option("--all", help="Show all of them.")] = False,
    as_json: AsJson = False,
) -> None:
    """List videos, newest first."""
    kept = {f"metadata[{key}]": value for key, value in metadata_from(metadata).items()}
    wanted = {"error_code": error_code, "title": title, **kept}
    service = find_service()

    async def fetch() -> list[VideoView]:
        async with service.api() as api:
            found = api.videos(status=status, limit=None if every else limit, wanted=wanted)
            return [video async for video in found]

    videos = asyncio.run(fetch())
    if as_json:
        output().print_json(data=[video.model_dump(mode="json") for video in videos], indent=2)
    elif not videos:
        messages().print("There are no such videos." if status or any(wanted.values()) else "There are no videos.")
    else:
        output().print(_table_of(videos))


def show(video_id: VideoId, as_json: AsJson = False) -> None:
    """Show a video and the steps of its newest run."""
    service = find_service()

    async def fetch() -> tuple[VideoView, list[StepView] | None]:
        async with service.api() as api:
            video = await api.video(str(video_id))
            try:
                return video, (await api.steps(str(video_id))).steps
            except ApiRefused as refusal:
                if refusal.code != "temporal_unavailable":
                    raise
                messages().print(Text(str(refusal), style="yellow"), soft_wrap=True)
                return video, None

    video, steps = asyncio.run(fetch())
    if as_json:
        dumped = None if steps is None else [step.model_dump(mode="json") for step in steps]
        output().print_json(data={**video.model_dump(mode="json"), "steps": dumped}, indent=2)
        return
    _print_details(video, service)
    if steps:
        output().print()
        output().print(steps_table(steps))


def cancel(video_id: VideoId) -> None:
    """Cancel an upload or a running video; it ends in error with the code `cancelled`."""
    service = find_service()

    async def ask() -> str:
        async with service.api() as api:
            return (await api.cancel(str(video_id))).message

    output().print(f"{asyncio.run(ask())}.")


def retry(
    video_id: VideoId,
    wait: Annotated[bool, typer.Option("--wait", help="Show the processing, and end with its outcome.")] = False,
) -> None:
    """Process a failed video once more, from the file that was uploaded."""
    service = find_service()

    async def ask() -> VideoView | None:
        async with service.api() as api:
            accepted = await api.retry(str(video_id))
            output().print(f"{accepted.message}.")
            if not wait:
                return None
            video = await follow(api, str(video_id), messages())
            print_outcome(video, service, api, messages())
            return video

    video = asyncio.run(ask())
    if video is not None and video.status is not VideoStatus.READY:
        raise typer.Exit(ExitCode.FAILED)


def delete(
    video_id: VideoId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Delete a video and its files; one that is being processed is stopped first."""
    service = find_service()

    async def name() -> str:
        async with service.api() as api:
            video = await api.video(str(video_id))
            return f"{video.title} ({video.original_filename}, {video.status.value})"

    async def remove() -> None:
        async with service.api() as api:
            await api.delete(str(video_id))

    if not yes:
        question = f"Delete {asyncio.run(name())} and its files?"
        if not messages().is_terminal:
            raise CommandFailed(f"{question} Say so with --yes.", ExitCode.USAGE)
        typer.confirm(question, abort=True, err=True)
    asyncio.run(remove())
    output().print(f"Deleted {video_id}.")


def _table_of(videos: list[VideoView]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("ID", no_wrap=True)
    table.add_column("Status", no_wrap=True)
    table.add_column("Uploaded", no_wrap=True)
    table.add_column("Title")
    for video in videos:
        note = video.title
        if video.error_code is not None:
            note = f"{video.error_code}: {video.title}"
        elif video.progress is not None:
            note = f"{video.progress:.0%} {video.step or ''}: {video.title}"
        title = Text(note, no_wrap=True, overflow="ellipsis")
        table.add_row(str(video.id), status_text(video.status), time_text(video.created_at), title)
    return table


def _print_details(video: VideoView, service: Service) -> None:
    facts: Facts = [
        ("Title", video.title),
        *(("Metadata", Text(f"{key}={value}")) for key, value in video.metadata.items()),
        ("Status", status_text(video.status)),
        ("Reason", Text(error_text(video)) if video.status is VideoStatus.ERROR else None),
        *(("Warning", Text(f"{warning.message} ({warning.code})")) for warning in video.warnings),
        ("File", f"{video.original_filename} ({size_text(video.file_size_bytes)})"),
        ("Uploaded", time_text(video.created_at)),
        ("Profile", video.profile),
        ("Attempt", str(video.attempt) if video.attempt > 1 else None),
        ("Progress", None if video.progress is None else f"{video.progress:.0%} ({video.step})"),
        ("Duration", duration_text(video.duration_seconds)),
        ("Picture", None if video.width is None else f"{video.width}x{video.height}"),
        ("Video", video.url_mp4 and service.api_url + video.url_mp4),
        ("Thumbnail", video.thumbnail and service.api_url + video.thumbnail),
        ("Workflow", service.workflow_url(video.workflow_id) or video.workflow_id),
    ]
    print_facts(output(), facts)
