"""``rushes storage adopt``, and what other commands have to know of which files the storage has, and whose."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from cli.console import output
from cli.errors import CommandFailed, ExitCode
from cli.where import Service, find_service
from contracts.errors import DatabaseUnavailable, StorageFailed
from database.engine import Database
from runs.ownership import Ownership
from runs.whereabouts import Whereabouts, look_for_files
from settings import Settings
from storage.opening import open_storage
from storage.protocol import Storage


def adopt() -> None:
    """Have the storage belong to the service's database from now on; the one that had it leaves its files alone.

    Two databases on one storage would take each other's files for nobody's. Stop what runs on the other one first.
    """
    settings = find_service().settings

    async def take() -> bool:
        async with ownership_of(settings) as ownership:
            was_ours = await ownership.look()
            await ownership.adopt()
            return was_ours

    try:
        was_ours = asyncio.run(take())
    except (DatabaseUnavailable, StorageFailed) as error:
        raise CommandFailed(str(error), ExitCode.UNAVAILABLE) from error
    place = settings.storage or settings.uploads_folder
    had_it = "no other" if was_ours else "another"
    output().print(f"{place} belongs to this database; {had_it} database had it before.", soft_wrap=True)


def settle_after_restore(service: Service) -> str:
    """Adopt the files of a stack that has a database and a folder of its own, which nobody else can be using.

    Returns:
        What is left for a person to do, as a sentence; empty for nothing.
    """

    async def settle() -> str:
        async with ownership_of(service.settings) as ownership:
            if await ownership.look():
                return ""
            if _has_its_own_files(service):
                await ownership.adopt()
                return ""
        return "The storage belongs to another database: once that one uses it no more, `rushes storage adopt`."

    try:
        return asyncio.run(settle())
    except (DatabaseUnavailable, StorageFailed) as error:
        return f"Which database the storage belongs to could not be seen: {error}"


@asynccontextmanager
async def ownership_of(settings: Settings) -> AsyncIterator[Ownership]:
    """What the service's database may do with its storage."""
    async with _rows_and_files(settings) as (database, storage):
        yield Ownership(database.places, storage)


@asynccontextmanager
async def _rows_and_files(settings: Settings) -> AsyncIterator[tuple[Database, Storage]]:
    database = Database(settings.required_database_url, pool_size=1)
    try:
        async with open_storage(settings.place) as storage:
            yield database, storage
    finally:
        await database.dispose()


FIND_FILES: Final = (
    "Set RUSHES_STORAGE or RUSHES_UPLOADS to where they are; `rushes storage migrate FROM TO` copies them from one "
    "place to another."
)


async def whereabouts_of(settings: Settings) -> Whereabouts:
    """Where the files of the newest videos are. Raises ``DatabaseUnavailable`` and ``StorageFailed``."""
    async with _rows_and_files(settings) as (database, storage):
        return await look_for_files(database.videos, storage)


def elsewhere(settings: Settings) -> str:
    """That they are not in this storage, in a sentence."""
    return f"none of the newest videos has its files in {settings.storage or settings.uploads_folder}"


def _has_its_own_files(service: Service) -> bool:
    """Whether PostgreSQL is the running stack's, and the files are in a folder of its home, which is locked for it."""
    settings, stack = service.settings, service.stack
    if stack is None or "postgres" not in stack.pids or settings.place.bucket is not None:
        return False
    is_the_stacks = settings.required_database_url == stack.database
    return is_the_stacks and settings.uploads_folder.resolve().is_relative_to(settings.home.resolve())
