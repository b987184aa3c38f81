"""``rushes upload``: send videos, with a bar while they are sent."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.text import Text

from cli.arguments import AsJson
from cli.console import messages, output
from cli.errors import CommandFailed, ExitCode, is_unavailable, sentence_of
from cli.follow import follow
from cli.outcome import print_outcome
from cli.readable import check_readable, unreadable
from cli.where import Service, find_service
from client.asynchronous import AsyncRushes
from client.begun_uploads import BegunUploads
from client.errors import BEGUN_ANEW, RushesError
from client.views import VideoView
from contracts.sizes import size_text
from contracts.status import VideoStatus


@dataclass(frozen=True)
class Wishes:
    """What is asked for beside the file; None leaves the choice to the api.

    Attributes:
        title: Of the video.
        profile: Name of an encoding profile.
        metadata: What is kept with the video.
    """

    title: str | None = None
    profile: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


Metadata = Annotated[
    list[str] | None,
    typer.Option(
        "--metadata", metavar="KEY=VALUE", help="Kept with the video; may be given several times.", show_default=False
    ),
]


def metadata_from(pairs: list[str] | None) -> dict[str, str]:
    """What ``--metadata`` says. Raises ``CommandFailed`` for something that is no pair."""
    found = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise CommandFailed(f"--metadata is KEY=VALUE, not {pair!r}.", ExitCode.USAGE)
        found[key] = value
    return found


def upload(  # noqa: PLR0917 # each is an option, given by its name
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Videos to send.", show_default=False)],
    title: Annotated[str | None, typer.Option(help="Title of the one video. Default: its file name.")] = None,
    profile: Annotated[
        str | None, typer.Option(help="Name of an encoding profile. Default: the api's choice.", metavar="NAME")
    ] = None,
    metadata: Metadata = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Show the processing, once all are sent, and end with its outcome.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send videos to the api. Prints the id of each; exits with 1 if one is refused or, with --wait, ends in error."""
    if title is not None and len(files) > 1:
        raise CommandFailed("--title goes with one FILE only.", ExitCode.USAGE)
    wishes = Wishes(title, profile, metadata_from(metadata))
    for file in files:
        check_readable(file)
    if not asyncio.run(_Uploads(find_service(), wishes, wait=wait, as_json=as_json).send_all(files)):
        raise typer.Exit(ExitCode.FAILED)


class _Uploads:
    """Several files: all are sent before one is waited for, so that they are processed beside each other."""

    def __init__(self, service: Service, wishes: Wishes, *, wait: bool, as_json: bool) -> None:
        self._service = service
        self._wishes = wishes
        self._wait = wait
        self._as_json = as_json

    async def send_all(self, files: Sequence[Path]) -> bool:
        """Whether all went well. One that is refused does not keep the others back."""
        async with self._service.api() as api:
            sent = [video_id for file in files if (video_id := await self._send(api, file, of=len(files)))]
            videos = [await self._followed(api, video_id) for video_id in sent] if self._wait else []
            if self._as_json:
                videos = videos or [await api.video(video_id) for video_id in sent]
                output().print_json(data=[video.model_dump(mode="json") for video in videos], indent=2)
        ended_well = not self._wait or all(video.status is VideoStatus.READY for video in videos)
        return ended_well and len(sent) == len(files)

    async def _send(self, api: AsyncRushes, file: Path, *, of: int) -> str | None:
        try:
            video_id = await send(api, file, self._wishes, messages())
        except RushesError as failure:
            if is_unavailable(failure) or of == 1:
                raise
            messages().print(Text(f"{file.name}: {sentence_of(failure)}", style="red"), soft_wrap=True)
            return None
        if not self._as_json:
            output().print(video_id)
        return video_id

    async def _followed(self, api: AsyncRushes, video_id: str) -> VideoView:
        video = await follow(api, video_id, messages())
        print_outcome(video, self._service, api, messages())
        return video


async def send(api: AsyncRushes, file: Path, wishes: Wishes, console: Console) -> str:
    """Upload one file with a bar, or a line where there is no terminal; returns the video's id.

    One that is interrupted, as by Ctrl-C, says how to go on with it.
    """
    size = await asyncio.to_thread(_size, file)
    if not console.is_terminal:
        console.print(f"Uploading {file.name} ({size_text(size)})", soft_wrap=True)
        return await _send(api, file, wishes, console, lambda _sent, _size: None)
    columns = (
        TextColumn("Uploading {task.fields[name]}", markup=False),
        BarColumn(bar_width=None),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("upload", total=size, name=_short(file.name))
        video_id = await _send(
            api, file, wishes, progress.console, lambda sent, _size: progress.update(task, completed=sent)
        )
    console.print(f"Uploaded {file.name} ({size_text(size)})", soft_wrap=True)
    return video_id


async def _send(
    api: AsyncRushes, file: Path, wishes: Wishes, console: Console, on_sent: Callable[[int, int], None]
) -> str:
    is_begun = False

    def note_sent(sent: int, size: int) -> None:
        nonlocal is_begun
        is_begun = True
        on_sent(sent, size)

    try:
        return await api.upload(
            file,
            title=wishes.title,
            profile=wishes.profile,
            metadata=wishes.metadata,
            begun=BegunUploads.of_user(),
            on_sent=note_sent,
            on_broken=lambda why: _tell_broken(console, why),
        )
    except OSError as error:
        raise unreadable(file, error) from error
    except asyncio.CancelledError:
        if is_begun:
            then = "What arrived of it is kept: sent again with the same options, it goes on from there."
            console.print(Text(f"{file.name} was interrupted. {then}", style="yellow"), soft_wrap=True)
        raise


def _tell_broken(console: Console, why: RushesError) -> None:
    then = "It is uploaded anew." if why.code == BEGUN_ANEW else "Going on from where it was."
    said = why.detail if why.code == BEGUN_ANEW else sentence_of(why)
    console.print(Text(f"{said} {then}", style="yellow"), soft_wrap=True)


def _short(name: str) -> str:
    most = 24
    return name if len(name) <= most else name[: most - 1] + "…"


def _size(file: Path) -> int:
    return file.stat().st_size
