"""Uploads that go straight into the bucket: the service signs addresses for the parts, and sees none of the bytes."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from contracts.errors import StorageFailed
from contracts.refusals import RefusalCode, Refused
from contracts.status import VideoStatus
from database.tables import Video
from database.upload_leases import UploadLeases
from database.videos import Videos
from ingest.handing_over import WholeFile, hand_over
from ingest.renewing import renewed
from ingest.resumable import NO_METADATA, ResumableUploads
from ingest.rules import ResumableLimits
from ingest.shielding import uninterrupted
from runs.actions import owned_video
from runs.protocol import Runs
from storage.protocol import DirectStorage, SignedPart, Storage

_ASK_AGAIN_SECONDS: Final = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Pauses before it is asked again whether another request has done with the upload."""


@dataclass(frozen=True)
class DirectUpload:
    """An upload that begins.

    Attributes:
        video_id: Its video.
        part_bytes: Size of every part but the last.
        parts: Where each part is to be put; none where all of them are the file already.
        expires_at: Until when; None where it was completed already.
        replayed: Whether an earlier request began it.
    """

    video_id: UUID
    part_bytes: int
    parts: Sequence[SignedPart]
    expires_at: datetime | None
    replayed: bool


class DirectUploads:
    """Begins such uploads, and completes them.

    Args:
        videos: The rows.
        leases: Who completes which upload.
        storage: Where the bytes go.
        runs: Starts the workflows.
        resumable: Makes the rows, by the same rules.
        limits: What such an upload may be.
    """

    def __init__(
        self,
        videos: Videos,
        leases: UploadLeases,
        storage: Storage,
        runs: Runs,
        *,
        resumable: ResumableUploads,
        limits: ResumableLimits,
    ) -> None:
        self._videos = videos
        self._leases = leases
        self._storage = storage
        self._runs = runs
        self._resumable = resumable
        self._limits = limits

    async def begin(
        self,
        user_id: str,
        idempotency_key: str | None,
        *,
        filename: str,
        length: int,
        title: str,
        profile: str,
        user_metadata: Mapping[str, str] = NO_METADATA,
    ) -> DirectUpload:
        """Make the video, and sign where its parts go.

        The same key with the same declaration signs the parts of the first one's upload again; those that were put
        stay. One that was completed has none left to put.

        Raises:
            Refused: Such a file is not taken, there is no bucket, or the key belongs to another upload, or to one that
                another request is taking long over. No row is left.
            StorageFailed: The bucket refused; the row expires.
        """
        bucket = self._bucket()
        state, replayed = await self._resumable.create(
            user_id,
            idempotency_key,
            filename=filename,
            length=length,
            title=title,
            profile=profile,
            user_metadata=user_metadata,
        )
        video = await owned_video(self._videos, state.video_id, user_id)
        if video.uploaded_at is not None:
            return DirectUpload(video.id, length, [], None, replayed)
        if state.offset > 0:
            raise Refused(
                RefusalCode.IDEMPOTENCY_KEY_REUSED,
                f"Video {video.id} is being uploaded by tus with this key. Go on there, at /api/v1/uploads.",
            )
        if idempotency_key is None:  # nobody else knows of it
            return await self._signed(bucket, video, length, state.expires_at, replayed=False)
        for pause_seconds in (*_ASK_AGAIN_SECONDS, None):
            async with self._held(video) as is_held:  # of two at once, the second goes on with what the first began
                if is_held:
                    return await self._signed(bucket, video, length, state.expires_at, replayed=replayed)
            if pause_seconds is not None:
                await asyncio.sleep(pause_seconds)
        raise Refused(RefusalCode.UPLOAD_LOCKED, "Another request begins or completes it. Ask again in a second.")

    async def _signed(
        self, bucket: DirectStorage, video: Video, length: int, expires_at: datetime | None, *, replayed: bool
    ) -> DirectUpload:
        seconds = int(self._limits.expires_seconds)
        part_bytes, parts = await bucket.sign_parts(video.original_key, length, seconds)
        return DirectUpload(video.id, part_bytes, parts, expires_at, replayed)

    async def complete(self, user_id: str, video_id: UUID, etags: Mapping[int, str]) -> None:
        """Let the parts that arrived be the file, if they are what was declared, and start its processing.

        Args:
            user_id: Who uploads.
            video_id: The upload.
            etags: By number of the part, what the bucket answered to it; as many as the sender wants compared.

        Raises:
            Refused: Parts are missing or not those, or the upload is none any more. It can be completed later.
            StorageFailed: The bucket does not answer.
        """
        bucket = self._bucket()
        video = await self._incomplete(user_id, video_id)
        if video is None or video.upload_length is None:
            return  # the answer was lost, and the client asks again
        async with self._held(video) as is_held:
            if not is_held:
                raise Refused(
                    RefusalCode.UPLOAD_LOCKED, "Another request completes this upload. Ask again in a second."
                )
            try:
                await _finish_parts(bucket, video.original_key, video.upload_length, etags)
            except (StorageFailed, Refused):
                if await self._incomplete(user_id, video_id) is None:  # ended meanwhile? Then that is the answer
                    return
                raise
            file = WholeFile(video.id, video.original_key, video.upload_length, sha256=None)
            await uninterrupted(hand_over(self._videos, self._storage, self._runs, file))

    async def _incomplete(self, user_id: str, video_id: UUID) -> Video | None:
        """The upload, or None where all of it is here. Raises ``Refused`` where it has ended, or never was one."""
        video = await owned_video(self._videos, video_id, user_id)
        if video.uploaded_at is not None:
            return None
        if video.status != VideoStatus.UPLOADING or video.upload_length is None:
            raise Refused(RefusalCode.UPLOAD_GONE, "The upload has ended. Upload the video again.")
        return video

    @asynccontextmanager
    async def _held(self, video: Video) -> AsyncIterator[bool]:
        """Keep other requests out of the upload for as long as the block lasts; False where one is in it."""
        lease = uuid4()
        if await self._leases.take(video.id, lease, self._limits.lease_seconds) is None:
            yield False
            return
        try:
            async with renewed(self._leases, video.id, lease, self._limits):
                yield True
        finally:
            await uninterrupted(
                self._leases.release(video.id, lease, offset=None, expires_seconds=self._limits.expires_seconds)
            )

    def _bucket(self) -> DirectStorage:
        direct = self._storage.direct()
        if direct is None:
            raise Refused(
                RefusalCode.NO_BUCKET,
                "Files are on a disk here. Upload by tus, at /api/v1/uploads, instead.",
            )
        return direct


async def _finish_parts(bucket: DirectStorage, key: str, size_bytes: int, etags: Mapping[int, str]) -> None:
    """Have the parts be the file. Raises ``Refused`` where they are not what was declared, and ``StorageFailed``."""
    wrong = await bucket.finish_signed(key, size_bytes, etags)
    if wrong is not None:
        raise Refused(RefusalCode.PARTS_MISMATCH, wrong)
