"""How much room is left for originals beside those that are on their way."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from contracts.refusals import RefusalCode, Refused
from contracts.sizes import size_text
from database.upload_leases import UploadLeases
from storage.protocol import Storage


@dataclass(eq=False)
class Coming:
    """What an upload in one request still brings; no row tells it, as nobody can go on with such an upload.

    Attributes:
        size_bytes: How much that is.
    """

    size_bytes: int


class Room:
    """The room of one storage, for every door of this process. What others take by forms is seen as it comes.

    Args:
        storage: Where originals go.
        leases: Knows which are on their way.
        spare_bytes: What is to stay free on a disk.
        rested_left_seconds: An upload that expires within so long has rested, and has no room reserved any more.
    """

    def __init__(
        self, storage: Storage, leases: UploadLeases, spare_bytes: int, rested_left_seconds: float = 0
    ) -> None:
        self._storage = storage
        self._leases = leases
        self._spare_bytes = spare_bytes
        self._rested_left_seconds = rested_left_seconds
        self._coming: set[Coming] = set()

    @contextmanager
    def kept_for(self, coming: Coming) -> Iterator[None]:
        """Keep its room for as long as the block lasts."""
        self._coming.add(coming)
        try:
            yield
        finally:
            self._coming.discard(coming)

    def sentence_of(self, left_bytes: int) -> str:
        """How much there is, as the end of a sentence."""
        kept = (
            f" and the {size_text(self._spare_bytes)} that are to stay free (RUSHES_SPARE_BYTES)"
            if self._spare_bytes
            else ""
        )
        return f"there is room for {size_text(left_bytes)} beside the uploads that are on their way{kept}."

    async def check(self, size_bytes: int, *, but_for: UUID | None = None) -> None:
        """Raise ``Refused`` where so many bytes more do not fit. Otherwise as ``left_bytes``."""
        left_bytes = await self.left_bytes(but_for=but_for)
        if left_bytes is not None and size_bytes > left_bytes:
            raise Refused(
                RefusalCode.NO_ROOM,
                f"{size_text(size_bytes)} are to come, and {self.sentence_of(left_bytes)} Upload them later, or have "
                "videos deleted.",
            )

    async def left_bytes(self, *, but_for: UUID | Coming | None = None) -> int | None:
        """What an original more may have; None where nobody can tell.

        Args:
            but_for: A video, or an upload in one request, whose own bytes on their way do not count.

        Raises:
            DatabaseUnavailable: As is.
            StorageFailed: The disk does not answer.
        """
        free_bytes = await self._storage.free_bytes()
        if free_bytes is None:
            return None
        video_id = but_for if isinstance(but_for, UUID) else None
        reserved_bytes = await self._leases.reserved_bytes(video_id, rested_left_seconds=self._rested_left_seconds)
        coming_bytes = sum(coming.size_bytes for coming in self._coming if coming is not but_for)
        return max(0, free_bytes - reserved_bytes - coming_bytes - self._spare_bytes)
