"""``rushes deploy``: which version of the workers gets new videos, and whether an older one is through with its own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import typer
from temporalio.service import RPCError

from cli.console import messages, output
from cli.errors import CommandFailed, ExitCode
from cli.temporal import temporal_of
from cli.where import find_service
from runs.versions import NotServed, WorkerVersions
from settings import Settings

_LOOK_EVERY_SECONDS: Final = 2.0


def current(
    within: Annotated[
        float, typer.Option(min=0, help="How long to wait for workers of this version, in seconds.")
    ] = 300,
) -> None:
    """Let new videos go to the version of RUSHES_BUILD_ID, once its workers are there. Running it again is harmless."""

    async def make(settings: Settings, versions: WorkerVersions) -> None:
        build_id = settings.worker_version

        def tell(queue: str) -> None:
            messages().print(f"Waiting for a worker of version {build_id} that serves {queue} …", soft_wrap=True)

        try:
            await versions.make_current(build_id, within_seconds=within, waiting=tell)
        except NotServed as error:
            raise CommandFailed(str(error)) from error
        output().print(f"New videos go to version {build_id} of {settings.deployment}.", soft_wrap=True)
        for older, count in (await versions.open_elsewhere()).items():
            unserved = await versions.unserved_queue(older)
            then = (
                f"`rushes deploy drained {older}` ends when its workers can be stopped."
                if unserved is None
                else f"No worker of it asks for tasks of {unserved}: start one, or the videos wait for ever."
            )
            messages().print(f"Version {older} still has {count} on their way. {then}", soft_wrap=True)

    _with_versions(make)


def drained(
    build_id: Annotated[str, typer.Argument(metavar="VERSION", help="The RUSHES_BUILD_ID of the older workers.")],
) -> None:
    """Wait until no video is on its way with this version, so that its workers can be stopped.

    Cohorts and deletions are not waited for: they go over to the current version.
    """

    async def wait(settings: Settings, versions: WorkerVersions) -> None:
        if await versions.current() == build_id:
            raise CommandFailed(f"Version {build_id} is current: new videos go to it. Make another one current first.")
        told = 0
        await versions.let_go()
        while count := await versions.open_runs(build_id):
            if count != told:
                messages().print(f"{count} on their way with version {build_id} …", soft_wrap=True)
            told = count
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            await versions.let_go()
        output().print(f"Version {build_id} of {settings.deployment} has no open run.", soft_wrap=True)

    _with_versions(wait)


def _with_versions(act: Callable[[Settings, WorkerVersions], Awaitable[None]]) -> None:
    service = find_service()
    settings = service.settings
    deployment = settings.deployment
    if deployment is None:
        raise CommandFailed(
            "Set RUSHES_DEPLOYMENT to the deployment that the workers have. Without it any worker takes any video.",
            ExitCode.USAGE,
        )

    async def connected() -> None:
        try:
            await act(settings, WorkerVersions(await temporal_of(service), deployment))
        except RPCError as error:
            raise CommandFailed(f"Temporal refuses: {error}", ExitCode.UNAVAILABLE) from error

    asyncio.run(connected())
