"""The ``rushes`` command: registers the commands, and turns what goes wrong into a sentence and an exit code."""

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.text import Text

from cli import (
    accounts,
    cohorts,
    database,
    demo,
    deploy,
    doctor,
    importing,
    processes,
    replay,
    serve,
    show,
    status,
    storage,
    sweep,
    upload,
    verify,
    videos,
    webhooks,
)
from cli.console import messages, output
from cli.errors import CommandFailed, ExitCode, exit_code_of, sentence_of
from client.errors import RushesError
from embedded.errors import StackError
from settings import SettingsError

_PARTS: Final = "Parts"
_COMMANDS: Final[Sequence[tuple[str, Sequence[tuple[str, Callable[..., Any]]]]]] = (
    ("Run the service", (("up", serve.up), ("demo", demo.demo), ("status", status.status), ("doctor", doctor.doctor))),
    (
        "Videos",
        (
            ("upload", upload.upload),
            ("import", importing.import_from),
            ("list", videos.list_videos),
            ("show", show.show),
            ("cancel", videos.cancel),
            ("retry", videos.retry),
            ("delete", videos.delete),
            ("replay", replay.replay),
        ),
    ),
    (
        _PARTS,
        (
            ("migrate", processes.migrate),
            ("sweep", sweep.sweep),
            ("verify", verify.verify),
            ("api", processes.api),
            ("worker", processes.worker),
        ),
    ),
)
_DATABASE_COMMANDS: Final[Sequence[tuple[str, Callable[..., Any]]]] = (
    ("dump", database.dump),
    ("restore", database.restore),
)
_STORAGE_COMMANDS: Final[Sequence[tuple[str, Callable[..., Any]]]] = (
    ("check", storage.check),
    ("migrate", storage.migrate),
)
_DEPLOY_COMMANDS: Final[Sequence[tuple[str, Callable[..., Any]]]] = (
    ("current", deploy.current),
    ("drained", deploy.drained),
)
_KEY_COMMANDS: Final[Sequence[tuple[str, Callable[..., Any]]]] = (
    ("create", accounts.create_key),
    ("list", accounts.list_keys),
    ("revoke", accounts.revoke_key),
    ("rotate-signing", accounts.rotate_signing),
)
_USER_COMMANDS: Final[Sequence[tuple[str, Callable[..., Any]]]] = (
    ("list", accounts.list_users),
    ("limit", accounts.limit_user),
)
_WEBHOOK_COMMANDS: Final[Sequence[tuple[str, Callable[..., Any]]]] = (
    ("create", webhooks.create),
    ("list", webhooks.list_webhooks),
    ("listen", webhooks.listen),
)
_COHORT_COMMANDS: Final[Sequence[tuple[str, Callable[..., Any]]]] = (
    ("show", cohorts.show),
    ("pause", cohorts.pause),
    ("resume", cohorts.resume),
    ("cancel", cohorts.cancel),
)
_GROUPS: Final = (
    ("cohort", "Videos that are retried together.", "Videos", _COHORT_COMMANDS),
    ("webhooks", "Where events are sent.", "Videos", _WEBHOOK_COMMANDS),
    ("keys", "Who may come in.", "Callers", _KEY_COMMANDS),
    ("users", "How much each may use.", "Callers", _USER_COMMANDS),
    ("deploy", "Which version of the workers gets new videos.", _PARTS, _DEPLOY_COMMANDS),
    ("storage", "The place where the files live.", _PARTS, _STORAGE_COMMANDS),
    ("database", "The rows: a dump of them, and the way back.", _PARTS, _DATABASE_COMMANDS),
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
    """Takes an uploaded video and makes it ready to play, durably."""


def build() -> typer.Typer:
    """The command line, with every command registered."""
    app = typer.Typer(
        name="rushes",
        help="Takes an uploaded video and makes it ready to play, durably.",
        epilog="Exit codes: 0 done; 1 the video ended in error, or the request was refused; 2 a wrong command line or "
        "setting; 3 a part of the service does not answer or can't start.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_every_command)
    for panel, commands in _COMMANDS:
        for name, command in commands:
            app.command(name, rich_help_panel=panel)(command)
    for name, says, panel, commands in _GROUPS:
        group = typer.Typer(help=says, no_args_is_help=True)
        for command_name, command in commands:
            group.command(command_name)(command)
        app.add_typer(group, name=name, rich_help_panel=panel)
    return app


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
