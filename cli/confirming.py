"""Asking before something goes that can't be had back."""

from typing import Annotated

import typer

from cli.console import messages
from cli.errors import CommandFailed, ExitCode
from contracts.printable import printable

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]


def confirm(question: str, *, yes: bool) -> None:
    """Ask at a terminal whether to go on, unless ``yes`` says so already.

    Raises:
        CommandFailed: Nobody is there to be asked.
        typer.Abort: The answer was no.
    """
    if yes:
        return
    if not messages().is_terminal:
        raise CommandFailed(f"{question} Say so with --yes.", ExitCode.USAGE)
    typer.confirm(printable(question), abort=True, err=True)
