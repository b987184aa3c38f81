"""Work on a part of an upload, and on all of it before the upload is blamed."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from contracts.errors import InvalidMedia, OutputMismatch, TranscodeFailed
from contracts.partial_file import PartialFile

Result = TypeVar("Result")


async def from_parts(
    source: PartialFile, make: Callable[[], Awaitable[Result]], is_good: Callable[[Result], bool] = lambda _: True
) -> Result:
    """What ``make`` makes of the source as far as it is here; where that fails, of the whole of it.

    Args:
        source: The upload.
        make: Reads it; may run twice.
        is_good: Whether what came of a part is to be believed; damage is not, as what is not here looks like it.
    """
    if not source.is_whole:
        with contextlib.suppress(InvalidMedia, OutputMismatch, TranscodeFailed):
            made = await make()
            if is_good(made):
                return made
        await source.need_all()
    return await make()
