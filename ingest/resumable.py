"""Uploads that go on over several requests, and over several processes.

The order is that of ``ingest.uploads``: row ``uploading``, bytes, durable, row ``processing``, workflow, answer.
Between two requests the row says how many bytes are durable, and nothing else is needed to go on.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from contracts.errors import StorageFailed
from contracts.metadata import checked_metadata
from contracts.refusals import RefusalCode, Refused
from contracts.status import VideoStatus
from database.records import IdempotencyKeyTaken, NewVideo
from database.tables import Video
from database.upload_leases import UploadLeases
from database.videos import Videos
from ingest.appending import Checksum
from ingest.labels import checked_title, safe_filename
from ingest.open_uploads import OpenUploads
from ingest.room import Room
from ingest.rules import NO_BYTES, ResumableLimits, UploadLimits
from ingest.upload_turns import UploadTurns, at_another_offset
from runs.actions import VideoActions, owned_video
from runs.protocol import Runs
from storage.protocol import Storage

NO_METADATA: Final[Mapping[str, str]] = {}
_MAY_HAVE_ENDED: Final = (RefusalCode.UPLOAD_LOCKED, RefusalCode.UPLOAD_WITHDRAWN)
_TOO_LARGE_ADVICE: Final = "Have RUSHES_MAX_RESUMABLE_BYTES raised where larger ones are wanted."
_DECLARED: Final = ("original_filename", "upload_length", "title", "profile")


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
        actions: Deletes what is terminated.
        on_their_way: Counts the requests that bring bytes, with the uploads in one request.
        rules: What a file may be.
        limits: What such an upload may be.

    Attributes:
        rules: What a file may be.
        limits: What such an upload may be.
        room: What is left for it, and for what comes by a form.
    """

    def __init__(
        self,
        videos: Videos,
        leases: UploadLeases,
        storage: Storage,
        runs: Runs,
        *,
        actions: VideoActions,
        on_their_way: OpenUploads,
        rules: UploadLimits,
        limits: ResumableLimits,
    ) -> None:
        self._videos = videos
        self._leases = leases
        self._actions = actions
        self._on_their_way = on_their_way
        self.room = Room(storage, leases, limits.spare_bytes, limits.rested_left_seconds)
        self._turns = UploadTurns(videos, leases, storage, runs, limits)
        self._open: set[asyncio.Task[object]] = set()
        self.rules = replace(rules, max_bytes=limits.max_bytes, too_large_advice=_TOO_LARGE_ADVICE)
        self.limits = limits

    async def create(
        self,
        user_id: str,
        idempotency_key: str | None,
        *,
        filename: str,
        length: int,
        title: str = "",
        profile: str = "",
        user_metadata: Mapping[str, str] = NO_METADATA,
    ) -> tuple[UploadState, bool]:
        """Begin an upload, of which no byte is here yet.

        Args:
            user_id: Who uploads.
            idempotency_key: Names this upload, so that it can be begun again without making a second video.
            filename: The sender's name of the file.
            length: How many bytes it has.
            title: What the video is called; empty for the file's name.
            profile: Name of the encoding profile; empty for the default.
            user_metadata: What its caller keeps with it. No other word of the upload may change under its key.

        Returns:
            The upload, and whether an earlier request with this key began it: then it may be anywhere.

        Raises:
            Refused: Such a file is not taken, there is no room for it, or the key belongs to another upload, or to one
                that rested for too long. No row is left.
            DatabaseUnavailable: Nothing was begun.
            StorageFailed: The disk does not answer.
        """
        new = replace(
            self._described(user_id, filename, length, title, profile), user_metadata=checked_metadata(user_metadata)
        )
        if idempotency_key is not None:
            known = await self._videos.find_by_idempotency_key(user_id, idempotency_key)
            if known is not None:
                return await self._begun_before(known, new), True
        await self.room.check(length)
        try:
            video = await self._videos.create_uploading(new, idempotency_key)
        except IdempotencyKeyTaken as taken:
            return await self._begun_before(taken.video, new), True
        try:
            await self.room.check(length, but_for=video.id)  # of two at once, the second sees the first one's row
        except Refused:
            await self._videos.delete(video.id, only=VideoStatus.UPLOADING)
            raise
        structlog.contextvars.bind_contextvars(video_id=str(video.id))
        return _state(video), False

    async def state(self, user_id: str, video_id: UUID) -> UploadState:
        """How far the upload is. Raises ``Refused`` where it is none, or none any more."""
        return _state(await self._upload(user_id, video_id))

    async def append(
        self, user_id: str, video_id: UUID, offset: int, pieces: AsyncIterator[bytes], checksum: Checksum | None
    ) -> UploadState:
        """Append what a request brings; with the last byte the file is whole, and its processing starts.

        Whatever ends the request early, what arrived before is durable and counts, unless a checksum was to come true.

        Raises:
            Refused: The upload is at another offset, written by another request, gone, or got too many or wrong bytes,
                or it rested and there is no room for it any more; or too many others are on their way. It can be gone
                on with, unless it is gone.
            DatabaseUnavailable: As is.
            StorageFailed: The disk refused; the upload can be gone on with.
            SenderGone: As is.
        """
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
        try:
            with self._on_their_way.counted(user_id):
                video, left_seconds = await self._upload_and_time_left(user_id, video_id)
                return await self._append(video, left_seconds, offset, pieces, checksum)
        finally:
            if task is not None:
                self._open.discard(task)

    async def terminate(self, user_id: str, video_id: UUID) -> None:
        """Delete the video of an unfinished upload: nobody sees it any more, and neither row nor file stays.

        Raises:
            Refused: It is finished, or none any more.
        """
        video = await self._upload(user_id, video_id)
        try:
            await self._actions.delete(video, among=(VideoStatus.UPLOADING,))
        except Refused as error:
            await self._upload(user_id, video_id)  # cancelled or deleted? Then that is the answer
            raise Refused(RefusalCode.UPLOAD_FINISHED, "The upload is finished. Delete the video instead.") from error

    async def settle(self, within_seconds: float) -> None:
        """Wait for requests that are being tidied up, before what they need is closed."""
        if self._open:
            await asyncio.wait(set(self._open), timeout=within_seconds)

    async def _append(
        self,
        video: Video,
        left_seconds: float | None,
        offset: int,
        pieces: AsyncIterator[bytes],
        checksum: Checksum | None,
    ) -> UploadState:
        if video.status != VideoStatus.UPLOADING:
            if offset == video.upload_offset:
                return _state(video)  # the answer to the last byte was lost, and the client asks again
            raise at_another_offset(video, offset)
        if left_seconds is not None and left_seconds <= self.limits.rested_left_seconds:  # its room may be another's
            await self.room.check((video.upload_length or 0) - video.upload_offset, but_for=video.id)
        try:
            finished = await self._turns.write(video, offset, pieces, checksum)
        except (Refused, StorageFailed) as error:
            if isinstance(error, StorageFailed) or error.code in _MAY_HAVE_ENDED:
                await self._upload(video.user_id, video.id)  # deleted or cancelled meanwhile? Then that is the answer
            raise
        return _state(finished) if finished is not None else await self.state(video.user_id, video.id)

    async def _upload(self, user_id: str, video_id: UUID) -> Video:
        return (await self._upload_and_time_left(user_id, video_id))[0]

    async def _upload_and_time_left(self, user_id: str, video_id: UUID) -> tuple[Video, float | None]:
        """The row, and in how many seconds it is forgotten; None where it is finished, or ends just now."""
        video = await owned_video(self._videos, video_id, user_id)
        if video.upload_length is None or video.source_url is not None:
            raise Refused(RefusalCode.VIDEO_NOT_FOUND, f"Video {video_id} was not uploaded over several requests.")
        is_open = video.status == VideoStatus.UPLOADING
        if video.uploaded_at is None and not is_open:
            raise Refused(RefusalCode.UPLOAD_GONE, f"The upload has ended: {video.error_reason}")
        left_seconds = await self._leases.left_seconds(video_id) if is_open else None
        if left_seconds is not None and left_seconds < 0:
            raise Refused(RefusalCode.UPLOAD_GONE, "The upload has rested for too long. Upload the video again.")
        return video, left_seconds

    def _described(self, user_id: str, filename: str, length: int, title: str, profile: str) -> NewVideo:
        name = safe_filename(filename)
        if name is None:
            raise Refused(RefusalCode.UNSUPPORTED_EXTENSION, "The upload has no file name.")
        if length == 0:
            raise Refused(RefusalCode.FILE_EMPTY, NO_BYTES)
        self.rules.check_size(length)
        described = self.rules.describe(user_id, name)
        return replace(
            described,
            title=checked_title(title) or described.title,
            profile=self.rules.checked_profile(profile) or described.profile,
            upload_length=length,
            upload_expires_seconds=self.limits.expires_seconds,
        )

    async def _begun_before(self, known: Video, new: NewVideo) -> UploadState:
        """The upload that the key belongs to, if it was declared in the same words."""
        structlog.contextvars.bind_contextvars(video_id=str(known.id))
        if any(getattr(known, name) != getattr(new, name) for name in _DECLARED):
            raise Refused(
                RefusalCode.IDEMPOTENCY_KEY_REUSED,
                f"This Idempotency-Key belongs to video {known.id}, whose name, size, title or profile is another. "
                "Take a new key for another file.",
            )
        return await self.state(known.user_id, known.id)


def _state(video: Video) -> UploadState:
    return UploadState(video.id, video.upload_offset, video.upload_length or 0, video.upload_expires_at)
