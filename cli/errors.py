"""How a command ends when it can't do what was asked."""

from enum import IntEnum
from typing import Final

from client.errors import FILE_CHANGED, FOREIGN_ANSWER, UNREACHABLE, RushesError
from contracts.refusals import RefusalCode

_WHAT_TO_DO: Final = {
    UNREACHABLE: "Start it with `make up` (or `rushes up`), or set RUSHES_API_URL to where it is.",
    FOREIGN_ANSWER: "RUSHES_API_URL tells where the api is.",
    RefusalCode.UNAUTHENTICATED: "The command takes the key from RUSHES_API_KEY.",
}


class ExitCode(IntEnum):
    """What the ``rushes`` program tells its caller; 128 and a signal's number when a signal ended it."""

    OK = 0
    FAILED = 1
    """The video ended in error, or the api refused what was asked, or a check found a fault."""
    USAGE = 2
    """The command line or a setting can't be used."""
    UNAVAILABLE = 3
    """A part of the service does not answer, or the stack can't start."""


class CommandFailed(Exception):
    """A command can't go on, as sentences that say why and what to do."""

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.FAILED) -> None:
        """Take the sentences, and how the program will end."""
        super().__init__(message)
        self.exit_code = exit_code


def sentence_of(error: RushesError) -> str:
    """What the api refused, or that it is not there, and what to do at a command line."""
    told = f"{error.detail} {_WHAT_TO_DO.get(error.code, '')}".rstrip()
    return told if error.status is None else f"{told} ({error.code})"


def exit_code_of(error: RushesError) -> ExitCode:
    """How a command ends that can't do its work for this reason."""
    return ExitCode.UNAVAILABLE if is_unavailable(error) else ExitCode.FAILED


def is_unavailable(error: RushesError) -> bool:
    """Whether no api answered, so that whatever else is asked for will fail as well."""
    return error.status is None and error.code != FILE_CHANGED
