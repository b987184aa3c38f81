"""How a command ends when it can't do what was asked."""

from enum import IntEnum


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
