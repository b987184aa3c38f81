"""Where the programs are that the stack runs."""

import shutil
import sys
from pathlib import Path

from embedded.errors import StackError


def find_program(name: str) -> Path:
    """The program of the installed packages if there is one, else that of the path.

    Raises:
        StackError: It is in neither place.
    """
    installed = Path(sys.executable).with_name(name)
    if installed.exists():
        return installed
    found = shutil.which(name)
    if found is None:
        raise StackError(f"The program `{name}` is neither beside {sys.executable} nor on the path.")
    return Path(found)


def dies_with_us(command: tuple[str, ...], death_signal: str) -> tuple[str, ...]:
    """The command, made to receive ``death_signal`` (such as ``TERM``) when the process that starts it ends.

    This covers the one way out that no handler sees, SIGKILL. Where `setpriv` is missing the command stays as it is.
    """
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", death_signal, "--", *command) if setpriv else command
