"""Moments as people give them: a while ago, or a date."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from cli.errors import CommandFailed, ExitCode

_WHILE: Final = re.compile(r"(\d{1,5})(min|h|d)")
_UNITS: Final = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def moment_ago(name: str, while_text: str) -> datetime:
    """When ``30min``, ``2h`` or ``1d`` ago was; ``name`` is that of what was given.

    Raises:
        CommandFailed: It is no such while.
    """
    moment = _ago(while_text)
    if moment is None:
        raise CommandFailed(f"{name} is a while such as 30min, 2h or 1d, not {while_text!r}.", ExitCode.USAGE)
    return moment


def moment_of(name: str, value: str) -> datetime:
    """The same, or a date, of this machine's time zone where it names none.

    Raises:
        CommandFailed: It is neither.
    """
    ago = _ago(value)
    if ago is not None:
        return ago
    try:
        return datetime.fromisoformat(value).astimezone()
    except ValueError as error:
        told = f"{name} is a date such as 2026-03-01, or a while ago such as 2h or 1d, not {value!r}."
        raise CommandFailed(told, ExitCode.USAGE) from error


def _ago(while_text: str) -> datetime | None:
    found = _WHILE.fullmatch(while_text)
    return None if found is None else datetime.now(UTC) - int(found[1]) * _UNITS[found[2]]
