"""Whether a worker's process lives, as it tells itself: its event loop touches a file every few seconds.

``python -m workers.alive`` looks at it, for who restarts what hangs. Whether Temporal answers is another question
(``deploy/worker_health.py``): while it is away a worker goes on with its ffmpeg and reports later, and whoever
restarted it for that would have everything made anew.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from configuration.errors import SettingsError

ALIVE_FILE: Final = "RUSHES_ALIVE_FILE"
_BEAT_SECONDS: Final = 5.0
_OVERDUE_SECONDS: Final = 60.0
"""Many beats: on a host whose cores are all busy an event loop may be late by seconds."""


@asynccontextmanager
async def beating(file: Path | None) -> AsyncIterator[None]:
    """Touch the file every few seconds for as long as the block lasts; nothing where there is none.

    Raises:
        SettingsError: It can't be made.
    """
    if file is None:
        yield
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise SettingsError(f"{ALIVE_FILE}: {file} can't be made: {error.strerror}.") from error

    async def beat() -> None:
        while True:
            os.utime(descriptor)  # takes no room: a full disk is no reason to be restarted
            await asyncio.sleep(_BEAT_SECONDS)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        os.close(descriptor)


def complaint(environment: Mapping[str, str]) -> str | None:
    """What is wrong with the worker whose settings these are, as a sentence; None for one that lives."""
    file = environment.get(ALIVE_FILE)
    if not file:
        return f"{ALIVE_FILE} is not set, so nobody knows whether the worker lives. Set it for the worker, too."
    try:
        seconds = time.time() - Path(file).stat().st_mtime
    except OSError as error:
        return f"The worker does not tell in {file} whether it lives: {error.strerror}."
    if seconds > _OVERDUE_SECONDS:
        return f"The worker has not said for {seconds:.0f} seconds that it lives."
    return None


def main() -> int:
    """Look at the worker of this environment.

    Returns:
        Exit code: 0 for one that lives, 1 for one that does not, with a sentence on standard error.
    """
    wrong = complaint(os.environ)
    if wrong is not None:
        sys.stderr.write(f"{wrong}\n")
    return 0 if wrong is None else 1


if __name__ == "__main__":
    sys.exit(main())
