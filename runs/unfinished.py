"""What a killed process began of a file that stays: parts in a bucket that nobody sees, and part files on a disk.

The next one that writes the same file takes them away, but there may be none. So the sweep does, once nobody has
written to them for as long as anything young stays.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from contracts.status import VideoStatus
from contracts.storage_keys import ORIGINALS_PREFIX
from database.tables import Video
from storage.protocol import Kept, Storage

WHY: Final = "parts of it were begun and never finished, the file itself stays"


def begun_before(files: Iterable[Kept], before: datetime) -> list[Kept]:
    """What was begun of files and is not finished, and to which nobody has written since then."""
    return [file for file in files if not file.is_whole and file.modified < before]


def nobody_finishes(prefix: str, row: Video | None) -> bool:
    """Whether what was begun long ago of a video's files in this place is nobody's by now.

    That of an upload or an import which is on its way, or may be retried, is for its row to keep: it goes on there.
    """
    if row is None or row.status == VideoStatus.DELETING:
        return False
    return prefix != ORIGINALS_PREFIX or row.uploaded_at is not None


async def remove_unfinished(storage: Storage, keys: Iterable[str], before: datetime) -> int | None:
    """Remove what was begun of these files, unless somebody has written to it since.

    Returns:
        How many bytes that was; None where nothing was to go.

    Raises:
        StorageFailed: It refused; some may be gone.
    """
    each = [await storage.delete_unfinished(key, before) for key in sorted(keys)]
    removed = [size_bytes for size_bytes in each if size_bytes is not None]
    return sum(removed) if removed else None
