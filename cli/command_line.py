"""The command line of ``rushes``, made of its table of commands: each one's function is imported when it is called."""

import logging
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from cli.commands import CommandEntry, GroupEntry

_HELP_NAMES: Final = {"help_option_names": ["-h", "--help"]}
_BEFORE_A_CHOICE: Final = "Value error, "
"""What pydantic, by which Typer reads choices, puts before the sentence that names them."""


def command_line(
    about: str,
    epilog: str,
    every_command: Callable[..., None],
    commands: Sequence[tuple[str, Sequence[CommandEntry]]],
    groups: Sequence[GroupEntry],
) -> TyperGroup:
    """All commands below one name.

    Args:
        about: What the whole is for.
        epilog: What stands below the list of commands.
        every_command: Takes the options that belong to no command.
        commands: By the panel of the list that they stand in.
        groups: The same below a word each.
    """
    app = typer.Typer(
        name="rushes", help=about, epilog=epilog, no_args_is_help=True, context_settings=dict(_HELP_NAMES)
    )
    app.callback()(every_command)
    made = cast("TyperGroup", get_command(app))
    for panel, entries in commands:
        for entry in entries:
            made.add_command(_Later(entry, panel))
    for group in groups:
        below = TyperGroup(name=group.name, help=group.says, rich_help_panel=group.panel, no_args_is_help=True)
        for entry in group.commands:
            below.add_command(_Later(entry))
        made.add_command(below)
    return made


class _Later(TyperCommand):
    """Stands in a list for a command, and becomes it when it is called or its own words are completed."""

    def __init__(self, entry: CommandEntry, panel: str | None = None) -> None:
        super().__init__(entry.name, help=entry.says, rich_help_panel=panel)
        self._entry = entry

    def make_context(self, *given: Any, **named: Any) -> Any:
        """As the command does; what is called then is its."""
        try:
            return loaded(self._entry).make_context(*given, **named)
        except typer.BadParameter as refused:
            refused.message = refused.message.removeprefix(_BEFORE_A_CHOICE)
            raise


def loaded(entry: CommandEntry) -> TyperCommand:
    """The command itself, its module imported."""
    module, _, function = entry.function.partition(".")
    called = getattr(import_module(f"cli.{module}"), function)
    _log_to_standard_error()
    app = typer.Typer(add_completion=False)
    app.command(entry.name)(called)
    return cast("TyperCommand", get_command(app))


def _log_to_standard_error() -> None:
    """Standard output has what was asked for; of what parts of the service log meanwhile, warnings go to the other.

    A command whose module has not loaded ``structlog`` does not wait for it.
    """
    structlog = sys.modules.get("structlog")
    if structlog is not None and not structlog.is_configured():
        structlog.configure(
            logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
            wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        )
