"""``rushes import``: have a video fetched from a URL."""

import asyncio
from typing import Annotated

import typer

from cli.console import messages, output
from cli.errors import ExitCode
from cli.follow import follow
from cli.outcome import print_outcome
from cli.upload import Metadata, Wishes, metadata_from
from cli.where import Service, find_service
from contracts.status import VideoStatus


def import_from(
    url: Annotated[str, typer.Argument(metavar="URL", help="Of the video: http or https.", show_default=False)],
    title: Annotated[str | None, typer.Option(help="Title of the video. Default: the file's name.")] = None,
    profile: Annotated[
        str | None, typer.Option(help="Name of an encoding profile. Default: the api's choice.", metavar="NAME")
    ] = None,
    metadata: Metadata = None,
    wait: Annotated[bool, typer.Option("--wait", help="Show the processing, and end with its outcome.")] = False,
) -> None:
    """Have the service fetch a video. Prints its id; exits with 1 if it is refused or, with --wait, ends in error."""
    if not asyncio.run(_import(find_service(), url, Wishes(title, profile, metadata_from(metadata)), wait=wait)):
        raise typer.Exit(ExitCode.FAILED)


async def _import(service: Service, url: str, wishes: Wishes, *, wait: bool) -> bool:
    async with service.api() as api:
        accepted = await api.import_from(url, title=wishes.title, profile=wishes.profile, metadata=wishes.metadata)
        output().print(str(accepted.video_id))
        if not wait:
            return True
        video = await follow(api, str(accepted.video_id), messages())
        print_outcome(video, service, api, messages())
        return video.status is VideoStatus.READY
