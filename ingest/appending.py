"""The bytes of one request, appended to an upload that another request may have begun and another will finish."""

import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from contracts.errors import StorageFailed
from contracts.refusals import RefusalCode, Refused
from ingest.batches import Batches
from storage.protocol import OriginalWriter

_logger = structlog.stdlib.get_logger(__name__)

_KEEP_BYTES: Final = 16 * 1024 * 1024
"""After so much, what arrived is made durable and told, so that a process that dies costs no more than that."""
_KEEP_SECONDS: Final = 30.0
_WORTH_KEEPING_BYTES: Final = 2 * 1024 * 1024
_MOST_KEEP_SECONDS: Final = 300.0
"""Of a sender that is slow, what arrived is kept after the former, where it is worth that, else after the latter.

That is for a storage which keeps by writing the whole unfinished part anew: every few seconds, that was twenty times
what came. Another keeps as often as the lease is renewed, so that who comes back by another network goes on from there.
"""


@dataclass(frozen=True)
class Checksum:
    """What the bytes of a request have to be.

    Attributes:
        algorithm: As ``hashlib`` names it.
        digest: Of these bytes alone.
    """

    algorithm: str
    digest: bytes


class Appending:
    """Appends what one request brings.

    Args:
        writer: Of the upload, at the offset of the request.
        length: Of the whole file; None where it is not known.
        checksum: Of what the request brings, where it says so. Until it is compared nothing of it counts.
        renew: Renews the lease and tells how much is durable, or None where that has not changed; False when the lease
            belongs to another.
        renew_seconds: How often at least, while bytes flow.
        clock: Seconds, of which only differences count.
    """

    def __init__(
        self,
        writer: OriginalWriter,
        length: int | None,
        checksum: Checksum | None,
        renew: Callable[[int | None], Awaitable[bool]],
        renew_seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writer = writer
        self._length = length
        self._checksum = checksum
        self._renew = renew
        self._renew_seconds = renew_seconds
        self._batches = Batches(writer)
        self._begin = self._kept = writer.size_bytes
        self._clock = clock
        self._renewed_at = self._kept_at = clock()
        self._is_ours = True
        self._is_too_much = False

    async def take(self, pieces: AsyncIterator[bytes]) -> None:
        """Append all of them and make them durable.

        Raises:
            Refused: They are too many, or not those of the checksum, or another request writes now.
            StorageFailed: The disk refused.
        """
        digest = hashlib.new(self._checksum.algorithm, usedforsecurity=False) if self._checksum is not None else None
        async for piece in pieces:
            if self._length is not None and self._begin + self._batches.size_bytes + len(piece) > self._length:
                self._is_too_much = True
                raise Refused(RefusalCode.TOO_LARGE, f"The upload was to have {self._length} bytes, and has more.")
            if digest is not None:
                digest.update(piece)
            await self._keep_hold()
            await self._batches.write(memoryview(piece))
        if self._checksum is not None and digest is not None and digest.digest() != self._checksum.digest:
            raise Refused(
                RefusalCode.CHECKSUM_MISMATCH, "The bytes changed on their way. Send them again from the same offset."
            )
        await self.keep()

    async def keep(self) -> int:
        """Make durable what arrived, and say how much of the file that is. Raises ``StorageFailed``."""
        await self._batches.flush()
        if self._writer.size_bytes != self._kept:
            await self._writer.keep()
            self._kept = self._writer.size_bytes
        self._kept_at = self._clock()
        return self._kept

    @property
    def kept_bytes(self) -> int:
        """How much of the file was durable when that was last made sure of."""
        return self._kept

    @property
    def counts(self) -> bool:
        """Whether what a broken request brought counts: not where a checksum was to come true, or another writes."""
        return self._checksum is None and self._is_ours

    @property
    def is_too_much(self) -> bool:
        """Whether more came than was declared: who knows what file that is."""
        return self._is_too_much

    async def let_go(self) -> None:
        """End writing; what was kept stays, and where nothing was, nothing is left."""
        await self._batches.drop()
        if self._kept == 0 and self._is_ours:
            try:
                await self._writer.discard()
            except StorageFailed as error:
                _logger.warning("bytes that do not count left behind", reason=str(error))
        else:
            await self._writer.close()

    async def _keep_hold(self) -> None:
        """Before more is written: is it still ours to write?"""
        is_to_keep = self._is_to_keep()
        if not is_to_keep and self._clock() - self._renewed_at < self._renew_seconds:
            return
        kept = await self.keep() if is_to_keep else None
        if kept == self._length:
            kept = None  # the row says all of it only when the upload is finished
        if not await self._renew(kept):
            self._is_ours = False
            raise written_by_another()
        self._renewed_at = self._clock()

    def _is_to_keep(self) -> bool:
        """Whether enough came, or so long ago, that it is to be durable although the request goes on."""
        if self._checksum is not None:
            return False
        unkept = self._begin + self._batches.size_bytes - self._kept
        rested = self._clock() - self._kept_at
        return (
            unkept >= _KEEP_BYTES
            or (unkept > 0 and rested >= self._renew_seconds and not self._writer.keeps_anew)
            or (unkept >= _WORTH_KEEPING_BYTES and rested >= _KEEP_SECONDS)
            or (unkept > 0 and rested >= _MOST_KEEP_SECONDS)
        )


def written_by_another() -> Refused:
    """The refusal of one who lost its turn."""
    return Refused(RefusalCode.UPLOAD_LOCKED, "Another request writes this upload now, or it has ended.")
