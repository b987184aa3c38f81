"""``rushes edit``: change what a video is called, who may see it, and what is kept with it."""

import asyncio
from typing import Annotated

import typer

from cli.arguments import AsJson, VideoId, whole_id
from cli.console import output
from cli.errors import CommandFailed, ExitCode
from cli.upload import metadata_from
from cli.where import find_service
from client.asynchronous import VideoChange
from client.views import VideoView
from contracts.status import Visibility


def edit(
    video_id: VideoId,
    title: Annotated[str | None, typer.Option(help="New title; empty for the file's name.", metavar="TEXT")] = None,
    visibility: Annotated[Visibility | None, typer.Option(help="Who may see its published files.")] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Kept with the video; KEY= takes a key away. May be given several times; other keys stay.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change a video's title, who may see it, or its metadata, whatever its status; what is not named stays."""
    change = VideoChange()
    if title is not None:
        change["title"] = title
    if visibility is not None:
        change["visibility"] = visibility
    if metadata:
        change["metadata"] = {key: value or None for key, value in metadata_from(metadata).items()}
    if not change:
        raise CommandFailed("Say what is to change: --title, --visibility or --metadata.", ExitCode.USAGE)
    service = find_service()

    async def ask() -> VideoView:
        async with service.api() as api:
            return await api.update(await whole_id(api, video_id), **change)

    video = asyncio.run(ask())
    if as_json:
        output().print_json(data=video.model_dump(mode="json"), indent=2)
        return
    kept = "".join(f", {key}={value}" for key, value in video.metadata.items())
    output().print(f"Changed {video.id}: {video.title}, {video.visibility.value}{kept}", soft_wrap=True)
