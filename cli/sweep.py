"""``rushes sweep``: stored files that no video is to have. It speaks with the database and the storage."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated

import typer

from cli.console import output, size_text
from cli.errors import CommandFailed, ExitCode
from cli.where import find_service
from contracts.errors import DatabaseUnavailable, StorageFailed
from database.engine import Database
from runs.sweep import Sweeper, SweepReport
from settings import Settings
from storage.opening import open_storage


def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")] = False,
) -> None:
    """Remove files that no video is to have, left by uploads and runs that were killed. The api does so by itself.

    Files that came within RUSHES_SWEEP_AGE_SECONDS stay.
    """
    settings = find_service().settings

    async def pass_once() -> SweepReport:
        async with _sweeper(settings) as sweeper:
            return await _told(sweeper) if dry_run else await sweeper.run()

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
            older_than = timedelta(seconds=settings.sweep_age_seconds)
            yield Sweeper(database.videos, database.backlog, storage, older_than)
    finally:
        await database.dispose()


async def _told(sweeper: Sweeper) -> SweepReport:
    report = SweepReport()
    async for stray in sweeper.strays():
        line = f"{stray.prefix}{stray.video_id}  {size_text(stray.size_bytes)}  {stray.why}"
        output().print(line, soft_wrap=True, highlight=False)
        report.removed += 1
        report.size_bytes += stray.size_bytes
    return report
