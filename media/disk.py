"""What a disk refuses to those who make files for ffmpeg, in words."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from contracts.errors import StorageFailed


@contextlib.contextmanager
def refusals_told(folder: Path) -> Iterator[None]:
    """Turn an ``OSError`` of writing there into ``StorageFailed``, so that it is waited for and not counted."""
    try:
        yield
    except OSError as error:
        raise StorageFailed(
            f"Could not write in {folder}: {error.strerror}. Look whether that disk is full, and free some space."
        ) from error
