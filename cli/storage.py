"""``rushes storage``: try the place where the files live, and move to another one."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from cli.console import messages, output
from cli.errors import CommandFailed, ExitCode
from cli.findings import Verdict
from cli.where import find_service
from contracts.errors import StorageFailed
from contracts.sizes import size_text
from settings import Settings
from storage.checking import try_storage
from storage.location import endpoint_of, names_a_bucket, parse_bucket_location
from storage.moving import MOVED, Moved, Outcome, copy_all
from storage.opening import open_storage
from storage.protocol import Storage

_AWS: Final = "AWS_"
_FROM: Final = "FROM_"
_PLACE: Final = "s3://bucket/prefix, or a folder as RUSHES_UPLOADS names it."


def check() -> None:
    """Try the place: write, read, read a range, upload in parts, copy, delete, and more. Exits with 1 if one fails."""
    settings = find_service().settings
    place = settings.storage or str(settings.uploads_folder)

    async def collect() -> bool:
        holds = True
        messages().print(f"Trying {place}.", soft_wrap=True)
        async with _opened(settings, place) as storage:
            async for trial in try_storage(storage):
                verdict, style = (Verdict.OK, "green") if trial.holds else (Verdict.FAIL, "bold red")
                output().print(Text(f"{verdict:5}", style), Text(f"{trial.what:8}"), trial.found, soft_wrap=True)
                holds &= trial.holds
        return holds

    if not asyncio.run(collect()):
        raise typer.Exit(ExitCode.FAILED)


def migrate(
    source: Annotated[str, typer.Argument(metavar="FROM", help=_PLACE)],
    target: Annotated[str, typer.Argument(metavar="TO", help=_PLACE)],
    compare: Annotated[
        bool, typer.Option("--compare", help="Compare also what stands in TO already by hash, not by its size alone.")
    ] = False,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="As --compare, and put FROM's in the place of what differs, even if TO's is newer."
        ),
    ] = False,
) -> None:
    """Copy originals and published files from one place to another; the service may run, and nothing is removed.

    Run it, switch RUSHES_STORAGE, and run it once more for what was uploaded meanwhile. What it copies it compares by
    hash, also after it was killed; what stood in TO before is compared by its size alone without --compare. Exits with
    1 if something in TO differs, is newer than FROM's, and so stays. Variables FROM_AWS_… say how FROM is reached,
    where it is another server than TO, or has other keys.
    """
    settings = find_service().settings
    if source == target:
        raise CommandFailed("FROM and TO are the same.", ExitCode.USAGE)
    if not names_a_bucket(source) and not any((_folder(source) / name).is_dir() for name in MOVED):
        raise _no_files(source)

    async def copy() -> tuple[Counter[Outcome], int]:
        async with AsyncExitStack() as places:
            begin = await places.enter_async_context(_opened(settings, source, _environment_of_from(os.environ)))
            end = await places.enter_async_context(_opened(settings, target))
            return await _tell(copy_all(begin, end, compare_all=compare or replace, replace=replace))

    try:
        outcomes, size_bytes = asyncio.run(copy())
    except StorageFailed as error:
        raise CommandFailed(f"{error} What is copied is kept: run it again to go on.", ExitCode.UNAVAILABLE) from error
    if names_a_bucket(source) and not outcomes:  # it has no folders that could be there and empty
        raise _no_files(source)
    copied, newer = outcomes[Outcome.COPIED], outcomes[Outcome.NEWER_THERE]
    output().print(f"{copied} files copied ({size_text(size_bytes)}), {outcomes[Outcome.THERE]} were there already.")
    if newer:
        raise CommandFailed(
            f"{newer} in TO differ from FROM's, are newer, and stayed; they are named above. A run or an import made "
            "them anew there, or they are damaged: with RUSHES_STORAGE as TO, `rushes verify` says which are right. "
            "With --replace, FROM's take the place of all of them."
        )


async def _tell(files: AsyncIterator[Moved]) -> tuple[Counter[Outcome], int]:
    """Name what was copied and what differs as it comes; how many files came to what, and the bytes of the copied."""
    outcomes, size_bytes = Counter[Outcome](), 0
    async for moved in files:
        outcomes[moved.outcome] += 1
        if moved.outcome is Outcome.COPIED:
            size_bytes += moved.size_bytes
            messages().print(f"{moved.key}  {size_text(moved.size_bytes)}")
        elif moved.outcome is Outcome.NEWER_THERE:
            messages().print(f"{moved.key}  {moved.outcome}")
    return outcomes, size_bytes


def _environment_of_from(environment: Mapping[str, str]) -> Mapping[str, str]:
    """As FROM is reached: what is told of it alone stands before what holds for both."""
    alone = {
        name.removeprefix(_FROM): value for name, value in environment.items() if name.startswith(f"{_FROM}{_AWS}")
    }
    return {**environment, **alone}


def _opened(
    settings: Settings, place: str, environment: Mapping[str, str] = os.environ
) -> AbstractAsyncContextManager[Storage]:
    try:
        location = parse_bucket_location(place) if names_a_bucket(place) else None
        if location is not None:
            endpoint_of(environment)
    except ValueError as error:
        raise CommandFailed(f"{place}: {error}", ExitCode.USAGE) from error
    uploads = settings.uploads_folder if location is not None else _folder(place)
    return open_storage(replace(settings.place, bucket=location, uploads=uploads), environment=environment)


def _folder(place: str) -> Path:
    return Path(place).expanduser().absolute()


def _no_files(source: str) -> CommandFailed:
    """A place that was misspelt looks like one without files, and would be taken for one that has moved."""
    folders = " nor ".join(MOVED)
    return CommandFailed(
        f"{source} has neither {folders}, so nothing was copied. Give the folder of RUSHES_UPLOADS, or the place as "
        "RUSHES_STORAGE has it.",
        ExitCode.USAGE,
    )
