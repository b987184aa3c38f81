"""Uploads that go on over several requests, and over several processes.

The order is that of ``ingest.uploads``: row ``uploading``, bytes, durable, row ``processing``, workflow, answer.
Between two requests the row says how many bytes are durable, and nothing else is needed to go on.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from contracts.refusals import RefusalCode, Refused
from contracts.status import VideoStatus
from database.tables import Video
from database.upload_leases import UploadLeases
from database.videos import Videos
from ingest.appending import Checksum
from ingest.labels import checked_title, safe_filename
from ingest.rules import ResumableLimits, UploadLimits
from ingest.upload_turns import UploadTurns, at_another_offset
from runs.actions import owned_video
from runs.protocol import Runs
from storage.protocol import Storage


@dataclass(frozen=True)
class UploadState:
    """How far an upload is.

    Attributes:
        video_id: Its video.
        offset: How many bytes are durable.
        length: How many there will be.
        expires_at: When it is forgotten unless it goes on; None once it is finished.
    """

    video_id: UUID
    offset: int
    length: int
    expires_at: datetime | None


class ResumableUploads:
    """Takes uploads over several requests, any number at once.

    Args:
        videos: The rows.
        leases: Who writes which upload.
        storage: Where the bytes go.
        runs: Starts the workflows.
        rules: What a file may be.
        limits: What such an upload may be.

    Attributes:
        rules: What a file may be.
        limits: What such an upload may be.
    """

    def __init__(
        self,
        videos: Videos,
        leases: UploadLeases,
        storage: Storage,
        runs: Runs,
        *,
        rules: UploadLimits,
        limits: ResumableLimits,
    ) -> None:
        self._videos = videos
        self._leases = leases
        self._storage = storage
        self._turns = UploadTurns(videos, leases, storage, runs, limits)
        self._open: set[asyncio.Task[object]] = set()
        self.rules = replace(rules, max_bytes=limits.max_bytes)
        self.limits = limits

    async def create(
        self, user_id: str, *, filename: str, length: int, title: str = "", profile: str = ""
    ) -> UploadState:
        """Begin an upload, of which no byte is here yet.

        Raises:
            Refused: Such a file is not taken, or there is no room for it. No row is left.
            DatabaseUnavailable: Nothing was begun.
            StorageFailed: The disk does not answer.
        """
        name = safe_filename(filename)
        if name is None:
            raise Refused(RefusalCode.UNSUPPORTED_EXTENSION, "The upload has no file name.")
        if length == 0:
            raise Refused(RefusalCode.FILE_EMPTY, "The file has no bytes.")
        self.rules.check_size(length)
        described = self.rules.describe(user_id, name)
        new = replace(
            described,
            title=checked_title(title) or described.title,
            profile=self.rules.checked_profile(profile) or described.profile,
            upload_length=length,
            upload_expires_at=datetime.now(UTC) + timedelta(seconds=self.limits.expires_seconds),
        )
        await self._check_room(length)
        structlog.contextvars.bind_contextvars(video_id=str(new.id))
        return _state(await self._videos.create_uploading(new))

    async def state(self, user_id: str, video_id: UUID) -> UploadState:
        """How far the upload is. Raises ``Refused`` where it is none, or none any more."""
        return _state(await self._upload(user_id, video_id))

    async def append(
        self, user_id: str, video_id: UUID, offset: int, pieces: AsyncIterator[bytes], checksum: Checksum | None
    ) -> UploadState:
        """Append what a request brings; with the last byte the file is whole, and its processing starts.

        Whatever ends the request early, what arrived before is durable and counts, unless a checksum was to come true.

        Raises:
            Refused: The upload is at another offset, written by another request, gone, or got too many or wrong bytes.
                It can be gone on with, unless it is gone.
            DatabaseUnavailable: As is.
            StorageFailed: The disk refused; the upload can be gone on with.
            SenderGone: As is.
        """
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
        try:
            return await self._append(await self._upload(user_id, video_id), offset, pieces, checksum)
        finally:
            if task is not None:
                self._open.discard(task)

    async def terminate(self, user_id: str, video_id: UUID) -> None:
        """Forget an unfinished upload: neither row nor file stays.

        Raises:
            Refused: It is finished, or none any more.
            StorageFailed: The file can't be removed.
        """
        video = await self._upload(user_id, video_id)
        if video.status != VideoStatus.UPLOADING:
            raise Refused(RefusalCode.UPLOAD_FINISHED, "The upload is finished. Delete the video instead.")
        await self._videos.cancel_unstarted(video.id, video.attempt)
        await self._storage.delete(video.original_key)
        await self._videos.delete(video.id)

    async def settle(self, within_seconds: float) -> None:
        """Wait for requests that are being tidied up, before what they need is closed."""
        if self._open:
            await asyncio.wait(set(self._open), timeout=within_seconds)

    async def _append(
        self, video: Video, offset: int, pieces: AsyncIterator[bytes], checksum: Checksum | None
    ) -> UploadState:
        if video.status != VideoStatus.UPLOADING:
            if offset == video.upload_offset:
                return _state(video)  # the answer to the last byte was lost, and the client asks again
            raise at_another_offset(video, offset)
        finished = await self._turns.write(video, offset, pieces, checksum)
        return _state(finished) if finished is not None else await self.state(video.user_id, video.id)

    async def _upload(self, user_id: str, video_id: UUID) -> Video:
        video = await owned_video(self._videos, video_id, user_id)
        if video.upload_length is None:
            raise Refused(RefusalCode.VIDEO_NOT_FOUND, f"Video {video_id} was not uploaded over several requests.")
        expires_at = video.upload_expires_at
        is_open = video.status == VideoStatus.UPLOADING
        if video.uploaded_at is None and not is_open:
            raise Refused(RefusalCode.UPLOAD_GONE, f"The upload has ended: {video.error_reason}")
        if is_open and expires_at is not None and expires_at < datetime.now(UTC):
            raise Refused(RefusalCode.UPLOAD_GONE, "The upload has rested for too long. Upload the video again.")
        return video

    async def _check_room(self, length: int) -> None:
        free_bytes = await self._storage.free_bytes()
        if free_bytes is None:
            return
        free_bytes -= await self._leases.reserved_bytes() + self.limits.spare_bytes
        if length > free_bytes:
            raise Refused(
                RefusalCode.NO_ROOM,
                f"The file has {length} bytes, and there is room for {max(0, free_bytes)} beside the uploads that are "
                "on their way. Upload it later, or have videos deleted.",
            )


def _state(video: Video) -> UploadState:
    return UploadState(video.id, video.upload_offset, video.upload_length or 0, video.upload_expires_at)
