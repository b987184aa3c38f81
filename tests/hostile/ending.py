"""What becomes of a file: it is ready, or it has a code, in bounded time and memory; anything else is our fault."""

import asyncio
import tempfile
from pathlib import Path
from typing import Final

from contracts.errors import VideoError
from media.ffmpeg import Bounds, Ffmpeg
from tests.media.making import LIMITS, make
from tests.media.probing import WEB

READY: Final = "ready"
WITHIN_SECONDS: Final = 60
BOUNDS: Final = Bounds(pixels=LIMITS.max_pixels, memory_bytes=700_000_000)


async def ending_of(ffmpeg: Ffmpeg, source: Path, folder: Path) -> str:
    """How the file ends: ``ready``, its output verified, or a code.

    Raises:
        TimeoutError: It took longer than ``WITHIN_SECONDS``.
    """
    work = Path(tempfile.mkdtemp(dir=folder))
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            await make(ffmpeg, source, work, WEB)
    except VideoError as error:
        return error.code
    return READY
