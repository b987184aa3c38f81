"""``rushes sweep``: stored files that no video is to have. It speaks with the database and the storage."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Annotated

import typer

from cli.audit import audit
from cli.console import output
from cli.errors import CommandFailed, ExitCode
from cli.owning import ownership_of
from cli.where import find_service
from contracts.errors import DatabaseUnavailable, StorageFailed
from contracts.sizes import size_text
from database.engine import Database
from runs.sweep import Sweeper, SweepReport
from settings import Settings
from storage.identity import storage_identity
from storage.opening import open_storage
from storage.protocol import Storage


def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also files without a row from before PostgreSQL was started or put back.")
    ] = False,
) -> None:
    """Remove files that no video is to have, left by uploads and runs that were killed. The api does so by itself.

    Files that came within RUSHES_SWEEP_AGE_SECONDS stay. So do, without --all, originals and published files without a
    row from before PostgreSQL was started, or its rows were put back: they may be all that is left of a video.
    """
    settings = find_service().settings

    async def pass_once() -> SweepReport:
        async with ownership_of(settings) as ownership:
            await ownership.check()
        async with _sweeper(settings) as sweeper:
            if dry_run:
                return await _told(sweeper, everything)
            report = await sweeper.run(from_before=everything)
            audit(settings.home, "files swept", videos=report.removed, from_before=everything)
            return report

    try:
        report = asyncio.run(pass_once())
    except (DatabaseUnavailable, StorageFailed) as error:
        raise CommandFailed(str(error), ExitCode.UNAVAILABLE) from error
    went = "Would go" if dry_run else "Gone"
    output().print(f"{went}: {report.removed} ({size_text(report.size_bytes)}).", soft_wrap=True)
    if report.failed:
        raise CommandFailed(f"Could not be removed: {report.failed}; the log says why.", ExitCode.FAILED)


@asynccontextmanager
async def _sweeper(settings: Settings) -> AsyncIterator[Sweeper]:
    database = Database(settings.required_database_url, settings.database_pool_size)
    try:
        async with open_storage(settings.place) as storage:
            yield sweeper_of(settings, database, storage)
    finally:
        await database.dispose()


def sweeper_of(settings: Settings, database: Database, storage: Storage) -> Sweeper:
    """The sweeper of the service that the settings describe."""

    async def known_since() -> datetime:
        return await database.places.known_since(await storage_identity(storage))

    older_than = timedelta(seconds=settings.sweep_age_seconds)
    return Sweeper(database.editions, database.backlog, storage, older_than, known_since)


async def _told(sweeper: Sweeper, everything: bool) -> SweepReport:
    report = SweepReport()
    async for stray in sweeper.strays():
        stays = stray.came_before and not everything
        why = f"{stray.why}; from before, it stays without --all" if stays else stray.why
        line = f"{stray.prefix}{stray.video_id}  {size_text(stray.size_bytes)}  {why}"
        output().print(line, soft_wrap=True, highlight=False)
        if stays:
            continue
        report.removed += 1
        report.size_bytes += stray.size_bytes
    return report
