"""One request at a time writes an upload.

It holds a lease of seconds, which it renews while bytes flow, so the upload of a process that died, or of a client that
says nothing any more, is free again as soon.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import structlog

from contracts.errors import DatabaseUnavailable, OriginalMissing, StorageFailed
from contracts.refusals import RefusalCode, Refused
from database.tables import Video
from database.upload_leases import UploadLeases
from database.videos import Videos
from ingest.appending import Appending, Checksum, written_by_another
from ingest.handing_over import WholeFile, hand_over
from ingest.known_digests import KnownDigests
from ingest.renewing import RENEWALS, renewed
from ingest.rules import ResumableLimits
from ingest.shielding import uninterrupted
from runs.protocol import Runs
from storage.protocol import OriginalWriter, Storage

_logger = structlog.stdlib.get_logger(__name__)


@dataclass
class _Turn:
    """One request's turn.

    Attributes:
        video: The row as it was then.
        lease: By which this request is known.
        kept_bytes: How much of the file is durable at the end; None where that is as it was.
    """

    video: Video
    lease: UUID
    kept_bytes: int | None = None


class UploadTurns:
    """Gives each request its turn, and finishes the upload with the last byte.

    Args:
        videos: The rows.
        leases: Who writes which upload.
        storage: Where the bytes go.
        runs: Starts the workflows.
        limits: What such an upload may be.
    """

    def __init__(
        self, videos: Videos, leases: UploadLeases, storage: Storage, runs: Runs, limits: ResumableLimits
    ) -> None:
        self._videos = videos
        self._leases = leases
        self._storage = storage
        self._runs = runs
        self._limits = limits
        self._digests = KnownDigests()

    async def write(
        self, video: Video, offset: int, pieces: AsyncIterator[bytes], checksum: Checksum | None
    ) -> Video | None:
        """Append what a request brings to a row in ``uploading``.

        Returns:
            The row once the file is whole, or None.

        Raises:
            Refused: Another request writes, the upload is at another offset or gone, or what came is not to be taken.
            StorageFailed: The disk refused; what was durable before still is.
        """
        async with self._turn(video) as turn:
            if offset != turn.video.upload_offset:
                raise at_another_offset(turn.video, offset)
            try:
                writer = await self._writer(turn)
            except OriginalMissing as error:
                return await self._found_whole(turn.video, error)
            await self._take(turn, writer, pieces, checksum)
            if writer.size_bytes == turn.video.upload_length:
                turn.kept_bytes = None  # the row says all of it only when the upload is finished
                return await uninterrupted(self._finish(turn, writer))
        return None

    @asynccontextmanager
    async def _turn(self, video: Video) -> AsyncIterator[_Turn]:
        """Be the one who writes, and say at the end how much is durable."""
        lease = uuid4()
        held = await self._leases.take(video.id, lease, self._limits.lease_seconds)
        if held is None:
            raise Refused(RefusalCode.UPLOAD_LOCKED, "Another request writes this upload. Ask again in a second.")
        turn = _Turn(held, lease)
        try:
            yield turn
        finally:
            await uninterrupted(self._release(turn))

    async def _release(self, turn: _Turn) -> None:
        expires_seconds = self._limits.expires_seconds
        try:
            await self._leases.release(
                turn.video.id, turn.lease, offset=turn.kept_bytes, expires_seconds=expires_seconds
            )
        except DatabaseUnavailable as error:  # the lease ends by itself, and what was told before still holds
            _logger.warning("upload left to its lease", reason=str(error))

    async def _writer(self, turn: _Turn) -> OriginalWriter:
        video = turn.video

        async def claim() -> None:
            """Whoever was held up on the way here for longer than its lease may not take what came since."""
            seconds, expires_seconds = self._limits.lease_seconds, self._limits.expires_seconds
            if not await self._leases.renew(
                video.id, turn.lease, seconds, offset=None, expires_seconds=expires_seconds
            ):
                raise written_by_another()

        if video.upload_offset == 0:
            return await self._storage.create_original(video.original_key, claim)
        digest = self._digests.take(video.id, video.upload_offset)
        return await self._storage.continue_original(video.original_key, video.upload_offset, digest, claim)

    async def _take(
        self, turn: _Turn, writer: OriginalWriter, pieces: AsyncIterator[bytes], checksum: Checksum | None
    ) -> None:
        video, begin = turn.video, writer.size_bytes
        before = writer.digest.copy() if writer.digest is not None else None

        async def renew(kept_bytes: int | None) -> bool:
            seconds, expires_seconds = self._limits.lease_seconds, self._limits.expires_seconds
            return await self._leases.renew(
                video.id, turn.lease, seconds, offset=kept_bytes, expires_seconds=expires_seconds
            )

        appending = Appending(writer, video.upload_length, checksum, renew, self._limits.lease_seconds / RENEWALS)
        try:
            await appending.take(pieces)
        except StorageFailed:
            # What came after the last time that it was kept may have a hole: it is as if it had not come.
            if appending.counts:
                turn.kept_bytes = appending.kept_bytes
            if appending.kept_bytes == begin:
                self._digests.keep(video.id, begin, before)
            await uninterrupted(appending.let_go())
            raise
        except BaseException:
            kept_bytes = await uninterrupted(_kept(appending))
            is_whole = kept_bytes == video.upload_length
            if is_whole and not appending.is_too_much:
                await uninterrupted(self._finish(turn, writer))  # all of it came before the request broke
            elif kept_bytes is None or is_whole:
                self._digests.keep(video.id, begin, before)
            else:
                turn.kept_bytes = kept_bytes
                self._digests.keep(video.id, kept_bytes, writer.digest)
            await uninterrupted(appending.let_go())
            raise
        if writer.size_bytes != video.upload_length:
            turn.kept_bytes = writer.size_bytes
            self._digests.keep(video.id, writer.size_bytes, writer.digest)
            await appending.let_go()

    async def _finish(self, turn: _Turn, writer: OriginalWriter) -> Video:
        """Every byte is here: make the file durable, hand the row over, start its workflow."""
        async with renewed(self._leases, turn.video.id, turn.lease, self._limits):
            await writer.commit()
        digest = writer.digest
        return await self._hand_over(turn.video, writer.size_bytes, digest.hexdigest() if digest is not None else None)

    async def _found_whole(self, video: Video, error: OriginalMissing) -> Video:
        """What arrived is not there to go on with: it may be all of the file, whose row could not be handed over."""
        length = video.upload_length
        if length is not None and await self._storage.size(video.original_key) == length:
            return await uninterrupted(self._hand_over(video, length, None))
        await self._videos.interrupt_upload(video.id, str(error))
        raise Refused(RefusalCode.UPLOAD_GONE, str(error)) from error

    async def _hand_over(self, video: Video, size_bytes: int, sha256: str | None) -> Video:
        file = WholeFile(video.id, video.original_key, size_bytes, sha256)
        return await hand_over(self._videos, self._storage, self._runs, file)


async def _kept(appending: Appending) -> int | None:
    """Make durable what a broken request brought, where it counts; how much of the file that is."""
    try:
        return await appending.keep() if appending.counts else None
    except StorageFailed as error:
        _logger.warning("end of a request not kept", reason=str(error))
        return None


def at_another_offset(video: Video, offset: int) -> Refused:
    """The refusal of bytes that do not belong where the upload is."""
    return Refused(
        RefusalCode.WRONG_OFFSET, f"{video.upload_offset} bytes are here, so go on from there and not from {offset}."
    )
