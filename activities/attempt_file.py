"""Files that one attempt writes alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio import activity


@asynccontextmanager
async def attempt_file(folder: Path, name: str) -> AsyncIterator[Path]:
    """A path for this attempt's output, which becomes ``folder/name`` if the body succeeds and is gone otherwise.

    The name carries the run and the attempt: an attempt that Temporal has given up may still be writing when the next
    one begins, and neither may spoil the other's file.
    """
    info = activity.info()
    part = folder / f"{name}.{info.workflow_run_id}.{info.attempt}.part"
    try:
        yield part
        await asyncio.to_thread(part.replace, folder / name)
    finally:
        await asyncio.to_thread(part.unlink, missing_ok=True)
