"""What several commands take: the id of a video, of which a unique beginning is enough, and ``--json``."""

import asyncio
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Final
from uuid import UUID

import typer

from cli.errors import CommandFailed, ExitCode
from cli.where import find_service
from client.asynchronous import AsyncRushes
from contracts.errors import ErrorCode

AsJson = Annotated[bool, typer.Option("--json", help="For programs: JSON instead of a table.")]

_BEGINNING: Final = re.compile(r"[0-9a-f]{4,8}(-[0-9a-f-]{0,27})?")
_SHORTEST: Final = 4
_MOST_OFFERED: Final = 50
_OFFERED_WITHIN_SECONDS: Final = 3


def offered_ids(incomplete: str) -> list[tuple[str, str]]:
    """What a shell offers for an id: the newest videos whose ids begin so, with their titles."""

    async def ask() -> list[tuple[str, str]]:
        async with asyncio.timeout(_OFFERED_WITHIN_SECONDS), find_service().api() as api:
            found = [video async for video in api.videos(limit=_MOST_OFFERED)]
        return [(str(video.id), video.title) for video in found if str(video.id).startswith(incomplete.lower())]

    try:
        return asyncio.run(ask())
    except Exception:  # noqa: BLE001 - a shell that asks for words must not be told of errors
        return []


VideoId = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="Id of the video, or its beginning: four digits or more.",
        show_default=False,
        autocompletion=offered_ids,
    ),
]


OptionalVideoId = Annotated[
    str | None,
    typer.Argument(
        metavar="[ID]",
        help="Id of the video, or its beginning: four digits or more.",
        show_default=False,
        autocompletion=offered_ids,
    ),
]


def known_code(given: str | None) -> str | None:
    """The code as it is. Raises ``typer.BadParameter`` where nothing fails with it: a list of those were empty."""
    if given is None or given in list(ErrorCode):
        return given
    near = get_close_matches(given, list(ErrorCode), n=3) or list(ErrorCode)
    raise typer.BadParameter(f"no video fails with {given!r}. There is {' or '.join(near)}.")


def one_of(given: str, ids: Sequence[str], kind: str) -> str:
    """The one of these ids that was given, or that begins so; what is none of them is for the api to refuse.

    Raises:
        CommandFailed: Several begin so.
    """
    text = given.strip().lower()
    found = [one for one in ids if one.startswith(text)] if len(text) >= _SHORTEST else []
    if len(found) > 1 and text not in found:
        raise CommandFailed(f"Several ids of a {kind} begin with {text}. Give more of it: {', '.join(found)}")
    return found[0] if len(found) == 1 else text


def is_beginning(given: str) -> bool:
    """Whether an id of a video may begin so."""
    return _BEGINNING.fullmatch(given.strip().lower()) is not None


async def whole_id(api: AsyncRushes, given: str) -> str:
    """The id that was meant.

    Raises:
        CommandFailed: It is none, no video begins so, or several do.
    """
    text = given.strip().lower()
    try:
        return str(UUID(text))
    except ValueError:
        pass
    if not is_beginning(text):
        raise CommandFailed(f"{given!r} is no id of a video, nor the beginning of one.", ExitCode.USAGE)
    found = [video async for video in api.videos(limit=2, id_prefix=text)]
    if not found:
        raise CommandFailed(f"There is no video whose id begins with {text}. (video_not_found)")
    if len(found) > 1:
        raise CommandFailed(f"Several ids begin with {text}. Give more of it: {', '.join(str(v.id) for v in found)}, …")
    return str(found[0].id)
