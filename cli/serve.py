"""``rushes up``: the whole stack, until Ctrl-C."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext

import typer
from rich.console import Console
from rich.text import Text

from cli.console import duration_text, output, print_facts
from embedded.run_file import RunFile
from embedded.signals import interruptible
from embedded.stack import Stack
from settings import Settings, load_settings


def up() -> None:
    """Run the whole service until Ctrl-C: PostgreSQL and Temporal unless there are some, the api and a worker."""
    raise typer.Exit(asyncio.run(_serve()))


async def _serve() -> int:
    settings = load_settings()
    console = output()
    stack = Stack(settings, os.environ, announcer(console))
    with interruptible(stack.kill, announcer(console)) as interruption:
        try:
            async with started(stack, settings, console) as run:
                print_facts(
                    console,
                    [
                        ("Page", f"{run.api}/"),
                        ("API", f"{run.api}/api/v1/videos"),
                        ("API docs", f"{run.api}/docs"),
                        ("Temporal Web UI", run.temporal_ui),
                        ("Temporal", run.temporal),
                    ],
                )
                announcer(console)("Serving until Ctrl-C.")
                await forever()
        except asyncio.CancelledError:
            if interruption.received is None:
                raise
            announcer(console)("Stopped.")
    return 0


def announcer(console: Console) -> Callable[[str], None]:
    """Prints sentences, also to a terminal that may have gone: that must not keep anything from being stopped."""

    def announce(sentence: str) -> None:
        try:
            console.print(Text(sentence), soft_wrap=True)
        except OSError:
            return

    return announce


@asynccontextmanager
async def started(stack: Stack, settings: Settings, console: Console) -> AsyncIterator[RunFile]:
    """Start the stack, and stop it at the end; says how long the start took."""
    say = announcer(console)
    begun = time.monotonic()
    sentence = f"Starting Rushes on {settings.home}"
    if console.is_terminal:
        waiting: AbstractContextManager[object] = console.status(Text(sentence))
    else:
        say(sentence)
        waiting = nullcontext()
    async with AsyncExitStack() as resources:
        with waiting:
            run = await resources.enter_async_context(stack)
        say(f"Rushes runs on {settings.home}, ready in {duration_text(time.monotonic() - begun)}")
        yield run


async def forever() -> None:
    """Wait until the current task is cancelled."""
    await asyncio.get_running_loop().create_future()
