"""Files that people name."""

from pathlib import Path

from cli.errors import CommandFailed, ExitCode


def check_readable(file: Path) -> None:
    """Open a file that is to be sent, and close it again.

    Raises:
        CommandFailed: It is not there, is no file, or may not be read.
    """
    try:
        if file.exists() and not file.is_file():
            raise CommandFailed(f"{file} is not a file.", ExitCode.USAGE)
        file.open("rb").close()
    except FileNotFoundError as error:
        raise CommandFailed(f"There is no file {file}.", ExitCode.USAGE) from error
    except OSError as error:
        raise unreadable(file, error) from error


def unreadable(file: Path, error: OSError) -> CommandFailed:
    """For a file that can't be read, at whatever moment."""
    return CommandFailed(f"{file} can't be read: {error.strerror or error}.", ExitCode.USAGE)
