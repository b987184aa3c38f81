"""The ``rushes`` command: runs what is asked for, and turns what goes wrong into a sentence and an exit code."""

import contextlib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Final, NoReturn

import typer
from rich.text import Text
from typer.core import TyperGroup

from cli.command_line import command_line
from cli.commands import COMMANDS, GROUPS
from cli.console import messages, output
from cli.errors import CommandFailed, ExitCode, exit_code_of, sentence_of
from client.errors import RushesError
from configuration.errors import SettingsError
from embedded.errors import StackError

_ABOUT: Final = "Takes an uploaded video and makes it ready to play, durably."
_EXIT_CODES: Final = (
    "Exit codes: 0 done; 1 the video ended in error, or the request was refused; 2 a wrong command line or setting; "
    "3 a part of the service does not answer or can't start."
)


def _tell_version(asked: bool) -> None:  # as typer calls it
    if asked:
        output().print(f"rushes {version('rushes')}")
        raise typer.Exit


def _every_command(
    _: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    """What holds for every command."""


def build() -> TyperGroup:
    """The command line, with every command."""
    return command_line(_ABOUT, _EXIT_CODES, _every_command, COMMANDS, GROUPS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit code, one of ``ExitCode``, or 128 and a signal's number.
    """
    try:
        build()(args=arguments)
    except SystemExit as ended:
        if isinstance(ended.code, str):  # the api's, which ends so within uvicorn
            return _fail(ended.code, ExitCode.FAILED)
        return ended.code if isinstance(ended.code, int) else ExitCode.OK
    except (SettingsError, StackError, CommandFailed, RushesError) as error:
        return _fail(*_told(error))
    return ExitCode.OK


def _told(error: SettingsError | StackError | CommandFailed | RushesError) -> tuple[str, ExitCode]:
    match error:
        case RushesError():
            return sentence_of(error), exit_code_of(error)
        case CommandFailed():
            return str(error), error.exit_code
        case SettingsError():
            return str(error), ExitCode.USAGE
        case _:
            return str(error), ExitCode.UNAVAILABLE


def _fail(error: Exception | str, code: ExitCode) -> int:
    messages().print(Text(str(error), style="red"), soft_wrap=True)
    return code


def leave() -> NoReturn:
    """Run one command and end the process.

    A process that leaves right after its last call to Temporal may be aborted by a thread of the SDK that still calls
    Python (exit code 134), so one that has loaded it leaves without the interpreter's own end. All that is open here is
    standard output.
    """
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # whoever read it may be gone
            stream.flush()
    if "temporalio.bridge.temporal_sdk_bridge" in sys.modules:
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    leave()
