"""A file that is elsewhere, and of which a step has only what it reads."""

from pathlib import Path
from typing import Protocol


class PartialFile(Protocol):
    """A file of which parts are here. Its path has the size of the whole; what was not needed yet reads as zeros."""

    @property
    def path(self) -> Path:
        """Where it is."""

    @property
    def size_bytes(self) -> int:
        """Of the whole."""

    @property
    def is_whole(self) -> bool:
        """Whether every byte is here, as on a disk, so that there is no point in asking for some of them."""

    async def need(self, *ranges: tuple[int, int]) -> None:
        """Have the bytes here of each range, from its first number up to its second. Raises ``StorageFailed``."""

    async def need_all(self) -> None:
        """Have all of it here. Raises ``StorageFailed``."""
