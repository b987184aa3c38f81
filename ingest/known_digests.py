"""Hashes of uploads on their way, from one request to the next that comes to this process."""

from collections import OrderedDict
from typing import Final
from uuid import UUID

from storage.protocol import Digest

_MOST: Final = 1000


class KnownDigests:
    """So far as they are known here; the hash of an upload that changed processes is computed by its run."""

    def __init__(self) -> None:
        """Know of none."""
        self._digests: OrderedDict[UUID, tuple[int, Digest]] = OrderedDict()

    def take(self, video_id: UUID, offset: int) -> Digest | None:
        """The hash of the first ``offset`` bytes, which is the caller's to go on with; None where it is not known."""
        known, digest = self._digests.pop(video_id, (0, None))
        return digest if known == offset else None

    def keep(self, video_id: UUID, offset: int, digest: Digest | None) -> None:
        """Remember the hash of so many bytes; those that were not asked for longest are forgotten."""
        self._digests.pop(video_id, None)
        if digest is not None:
            self._digests[video_id] = (offset, digest)
            if len(self._digests) > _MOST:
                self._digests.popitem(last=False)
