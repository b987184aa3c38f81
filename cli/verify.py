"""``rushes verify``: are the files there that the rows speak of? It speaks with the database and the storage."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final
from uuid import UUID

import typer

from cli.console import output
from cli.errors import CommandFailed, ExitCode
from cli.sweep import sweeper_of
from cli.where import find_service
from contracts.errors import DatabaseUnavailable, StatusConflict, StorageFailed
from contracts.status import VideoStatus
from database.engine import Database
from database.videos import Videos
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

    What is repaired goes back to processing, and the api starts its run within seconds.

    What no row speaks of is named however lately it came, with how long ago that was; `rushes sweep` removes it once it
    is RUSHES_SWEEP_AGE_SECONDS old.
    """

    async def look() -> tuple[int, Counter[bool]]:
        counted: Counter[bool] = Counter()
        async with _opened(find_service().settings, hashes=not quick) as (verifier, videos):
            async for found in verifier.discrepancies():
                is_repaired = repair and found.repairable and await _begin(videos, found.video_id)
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
async def _opened(settings: Settings, *, hashes: bool) -> AsyncIterator[tuple[Verifier, Videos]]:
    database = Database(settings.required_database_url, settings.database_pool_size)
    try:
        async with open_storage(settings.place) as storage:
            sweeper = sweeper_of(settings, database, storage)
            yield Verifier(database.backlog, storage, sweeper, hashes=hashes), database.videos
    finally:
        await database.dispose()


async def _begin(videos: Videos, video_id: UUID) -> bool:
    """The row is enough: whatever is in processing without a run gets one from the api."""
    try:
        await videos.start_retry(video_id, of=VideoStatus.READY)
    except StatusConflict:
        return False
    return True


def _print(found: Discrepancy, told: str, *, as_json: bool) -> None:
    if as_json:
        line = {"video_id": str(found.video_id), "key": found.key, "fault": found.fault.value, "told": told}
        print(json.dumps(line))  # noqa: T201  for programs
        return
    output().print(f"{found.key}  {found.fault}: {told}", soft_wrap=True, highlight=False)
