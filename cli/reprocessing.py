"""``rushes reprocess``: ready videos made anew, one by one or a whole cohort."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

import typer
from rich.text import Text

from cli.arguments import known_code, offered_ids, whole_id
from cli.cohorts import ENDS_WITH, UNTIL_BEGUN, counted, go_with, say_that_none_was_begun
from cli.console import messages, output
from cli.errors import CommandFailed, ExitCode, sentence_of
from cli.follow import follow
from cli.moments import moment_of
from cli.outcome import print_outcome
from cli.where import Service, find_service
from client.asynchronous import AsyncRushes
from client.cohorts import ReadyWhere
from client.errors import RushesError
from contracts.status import VideoStatus

_METADATA: Final = "metadata."
_WHERE: Final = "status=ready, profile=, code=, metadata.KEY=, created_after=, created_before="


def reprocess(  # noqa: PLR0917 # each is an option, given by its name
    video_ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID…]",
            help="Ids of videos, or their beginnings: four digits or more.",
            show_default=False,
            autocompletion=offered_ids,
        ),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of an encoding profile. Default: each video's own.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help=f"Instead of IDs: all ready videos that fit. {_WHERE}, the last two a date, or 2h or 1d ago.",
            show_default=False,
        ),
    ] = None,
    rate: Annotated[float, typer.Option(min=0.1, max=6000, help="With --where: how many are begun in a minute.")] = 60,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --where: only count them.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help=ENDS_WITH + UNTIL_BEGUN.format("--where"))] = False,
) -> None:
    """Make ready videos anew from their originals. What is published stays until the new files are ready."""
    if bool(video_ids) == bool(where):
        raise CommandFailed("Give either IDs of videos, or --where; `--where status=ready` is all.", ExitCode.USAGE)
    if video_ids and dry_run:
        raise CommandFailed("--dry-run goes with --where.", ExitCode.USAGE)
    service = find_service()

    async def ask() -> bool:
        async with service.api() as api:
            if video_ids:
                return await _reprocess_each(api, service, video_ids, profile, wait=wait)
            await _reprocess_all(api, where or [], profile, a_minute=rate, dry_run=dry_run, wait=wait)
            return True

    if not asyncio.run(ask()):
        raise typer.Exit(ExitCode.FAILED)


async def _reprocess_each(
    api: AsyncRushes, service: Service, given: Sequence[str], profile: str | None, *, wait: bool
) -> bool:
    """Whether all went well. One that is refused does not keep the others back."""
    begun = []
    for one in given:
        try:
            video_id = await whole_id(api, one)
            await api.reprocess(video_id, profile)
        except (RushesError, CommandFailed) as error:
            is_refusal = isinstance(error, CommandFailed) or error.status is not None
            if len(given) == 1 or not is_refusal:
                raise
            sentence = str(error) if isinstance(error, CommandFailed) else sentence_of(error)
            messages().print(Text(f"{one}: {sentence}", style="red"), soft_wrap=True)
        else:
            begun.append(video_id)
            output().print(video_id)
    ended_well = [await _ended_well(api, service, video_id) for video_id in begun] if wait else []
    return len(begun) == len(given) and all(ended_well)


async def _ended_well(api: AsyncRushes, service: Service, video_id: str) -> bool:
    video = await follow(api, video_id, messages())
    print_outcome(video, service, api, messages())
    return video.status is VideoStatus.READY and video.reprocess_error_code is None


async def _reprocess_all(  # each by its name
    api: AsyncRushes, where: Sequence[str], profile: str | None, *, a_minute: float, dry_run: bool, wait: bool
) -> None:
    fitting = where_from(where)
    begun = await api.cohorts.reprocess(profile, a_minute=a_minute, dry_run=dry_run, **fitting)
    videos = f"{counted(begun.total)} to be made anew with {profile or 'each its own profile'}"
    if begun.cohort_id is None:
        say_that_none_was_begun(videos, dry_run=dry_run)
        return
    await go_with(api, begun.cohort_id, videos, a_minute=a_minute, wait=wait)


def where_from(pairs: Sequence[str]) -> ReadyWhere:
    """What ``--where`` says. Raises ``CommandFailed`` for what it can't say."""
    found = ReadyWhere()
    metadata: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not value:
            raise CommandFailed(f"--where is KEY=VALUE, not {pair!r}.", ExitCode.USAGE)
        if key.startswith(_METADATA) and key != _METADATA:
            metadata[key.removeprefix(_METADATA)] = value
        elif key == "profile":
            found["of_profile"] = value
        elif key == "code":
            found["error_code"] = known_code(value) or value
        elif key == "created_after":
            found["created_after"] = moment_of(key, value)
        elif key == "created_before":
            found["created_before"] = moment_of(key, value)
        elif (key, value) != ("status", VideoStatus.READY):
            raise CommandFailed(f"--where knows {_WHERE}, and not {pair!r}.", ExitCode.USAGE)
    return ReadyWhere(**found, metadata=metadata)
