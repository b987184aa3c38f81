"""``rushes verify``: are the files there that the rows speak of? It speaks with the database and the storage."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final
from uuid import UUID

import typer

from cli.console import messages, output
from cli.errors import CommandFailed, ExitCode
from cli.owning import FIND_FILES, elsewhere, whereabouts_of
from cli.sweep import sweeper_of
from cli.where import find_service
from contracts.errors import DatabaseUnavailable, StatusConflict, StorageFailed
from database.engine import Database
from runs.verify import Discrepancy, Verifier
from settings import Settings
from storage.opening import open_storage

_REPAIRED: Final = "is being made again"


def verify(
    quick: Annotated[bool, typer.Option("--quick", help="Compare sizes alone, and read no file.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Make again what can be made from the original.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One object a line, for programs.")] = False,
) -> None:
    """Compare every video with its stored files, by size and SHA-256; exits with 1 where something is left wrong.

    What is repaired is made anew, as by `rushes reprocess`: what is left of it is served until its new files are ready.
    The api starts its run within half a minute.

    What no row speaks of is named however lately it came, with how long ago that was; `rushes sweep` removes it once it
    is RUSHES_SWEEP_AGE_SECONDS old.
    """
    settings = find_service().settings

    async def look() -> tuple[int, Counter[bool]]:
        if (await whereabouts_of(settings)).are_elsewhere:
            where = elsewhere(settings)
            messages().print(f"{where[0].upper()}{where[1:]}. {FIND_FILES}", style="yellow", soft_wrap=True)
        counted: Counter[bool] = Counter()
        begun: set[UUID] = set()  # both files of a video are made again by one run
        async with _opened(settings, hashes=not quick) as (verifier, database):
            async for found in verifier.discrepancies():
                is_wanted = repair and found.repairable and found.video_id not in begun
                if is_wanted and await _begin(database, found.video_id):
                    begun.add(found.video_id)
                is_repaired = found.repairable and found.video_id in begun
                counted[is_repaired] += 1
                _print(found, _REPAIRED if is_repaired else found.told, as_json=as_json)
            return verifier.compared, counted

    try:
        compared, counted = asyncio.run(look())
    except (DatabaseUnavailable, StorageFailed) as error:
        raise CommandFailed(str(error), ExitCode.UNAVAILABLE) from error
    if not as_json:
        told = f"Wrong: {counted[False]}. Being made again: {counted[True]}." if counted else "All files are right."
        output().print(f"Videos compared: {compared}. {told}", soft_wrap=True)
    if counted[False]:
        raise typer.Exit(ExitCode.FAILED)


@asynccontextmanager
async def _opened(settings: Settings, *, hashes: bool) -> AsyncIterator[tuple[Verifier, Database]]:
    database = Database(settings.required_database_url, settings.database_pool_size)
    try:
        async with open_storage(settings.place) as storage:
            sweeper = sweeper_of(settings, database, storage)
            yield Verifier(database.backlog, storage, sweeper, hashes=hashes), database
    finally:
        await database.dispose()


async def _begin(database: Database, video_id: UUID) -> bool:
    """Whether it is made anew from now on, or was being made so already.

    The row is enough: whatever is to be made anew without a run gets one from the api.
    """
    video = await database.videos.get(video_id)
    if video is None:
        return False
    try:
        await database.reprocessings.begin(video_id, video.profile, counts=False)
    except StatusConflict:
        now = await database.videos.get(video_id)
        return now is not None and now.is_reprocessing
    return True


def _print(found: Discrepancy, told: str, *, as_json: bool) -> None:
    if as_json:
        line = {"video_id": str(found.video_id), "key": found.key, "fault": found.fault.value, "told": told}
        print(json.dumps(line))  # noqa: T201  for programs
        return
    output().print(f"{found.key}  {found.fault}: {told}", soft_wrap=True, highlight=False)
