"""Taking an upload: the order of things that makes it safe to be interrupted anywhere.

Row ``uploading``, bytes, fsync and rename, row ``processing``, workflow, answer. Whatever ends it before its row is
``processing`` leaves no file. A form that is refused leaves no row either; a client that goes away, a slow one or a
full disk leaves a row in ``error`` that says so.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

import structlog
from starlette.requests import ClientDisconnect

from api.filenames import extension_of, title_from
from api.incoming_file import IncomingFile, ReceivedFile
from api.problems import Problem, ProblemCode
from api.shielding import uninterrupted
from api.upload_form import FORM_ALLOWANCE_BYTES, UploadForm, UploadFormReader
from api.video_processing import VideoProcessing
from contracts.errors import DatabaseUnavailable, StatusConflict, StorageFailed
from contracts.status import VideoStatus
from contracts.storage_keys import original_key
from database.tables import Video
from database.videos import IdempotencyKeyTaken, NewVideo, Videos
from processing.reconcile import processing_input
from processing.records import TemporalUnavailable
from storage.protocol import Storage

_EXPIRY_MARGIN: Final = timedelta(minutes=1)
"""An upload that is just being finished must not look expired to the reconciler."""

_GONE_REASON: Final = "The connection ended before the whole file had arrived. Upload the video again."
_UNEXPECTED_REASON: Final = "The upload could not be finished here. Upload the video again."

_logger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class UploadLimits:
    """What an upload may be.

    Attributes:
        allowed_extensions: With their dots, in lower case.
        max_bytes: Largest file.
        timeout_seconds: Longest time from the first byte to the last.
        profiles: Name of each encoding profile, and for whom it is.
        default_profile: Which of them an upload gets that names none.
    """

    allowed_extensions: tuple[str, ...]
    max_bytes: int
    timeout_seconds: float
    profiles: Mapping[str, str]
    default_profile: str


@dataclass(frozen=True)
class IncomingUpload:
    """One request to upload, its body unread.

    Attributes:
        user_id: Who uploads.
        boundary: Of the multipart body.
        content_length: As the client announced it, or None for a chunked body.
        idempotency_key: Names this upload, so that it can be sent again without making a second video.
    """

    user_id: str
    boundary: bytes
    content_length: int | None
    idempotency_key: str | None


@dataclass(frozen=True)
class AcceptedUpload:
    """An upload that has its video.

    Attributes:
        video: The row.
        replayed: Whether an earlier request made it.
    """

    video: Video
    replayed: bool


class Uploads:
    """Takes uploads, any number at once.

    Args:
        videos: The rows.
        storage: Where the bytes go.
        processing: Starts the workflows.
        limits: What is accepted.
    """

    def __init__(self, videos: Videos, storage: Storage, processing: VideoProcessing, limits: UploadLimits) -> None:
        self._videos = videos
        self._storage = storage
        self._processing = processing
        self._limits = limits
        self._open: set[asyncio.Task[object]] = set()

    async def accept(self, upload: IncomingUpload, pieces: AsyncIterator[bytes]) -> AcceptedUpload:
        """Take one upload to its end.

        Raises:
            Problem: It is refused.
            DatabaseUnavailable: Nothing is left of it on disk.
            StorageFailed: The disk refused; the row is in ``error``.
            ClientDisconnect: The client went away; the row is in ``error``.
        """
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
        try:
            return await self._accept(upload, pieces)
        except IdempotencyKeyTaken as taken:
            return _replay(taken.video)
        finally:
            if task is not None:
                self._open.discard(task)

    async def settle(self, within_seconds: float) -> None:
        """Wait for uploads that are being finished or tidied up, before what they need is closed."""
        if self._open:
            await asyncio.wait(set(self._open), timeout=within_seconds)

    async def _accept(self, upload: IncomingUpload, pieces: AsyncIterator[bytes]) -> AcceptedUpload:
        if upload.content_length is not None and upload.content_length > self._max_body_bytes:
            raise Problem(ProblemCode.TOO_LARGE, f"A file may have at most {self._limits.max_bytes} bytes.")
        if upload.idempotency_key is not None:
            known = await self._videos.find_by_idempotency_key(upload.user_id, upload.idempotency_key)
            if known is not None:
                return _replay(known)
        file = IncomingFile(
            self._storage,
            describe=lambda filename: self._describe(upload.user_id, filename),
            insert=lambda new: uninterrupted(self._videos.create_uploading(new, upload.idempotency_key)),
            max_bytes=self._limits.max_bytes,
        )
        form, received = await self._receive(upload, pieces, file)
        video = await uninterrupted(self._finish(file, form, received))
        return AcceptedUpload(video, replayed=False)

    @property
    def _max_body_bytes(self) -> int:
        return self._limits.max_bytes + FORM_ALLOWANCE_BYTES

    def _describe(self, user_id: str, filename: str) -> NewVideo:
        extension = extension_of(filename)
        if extension not in self._limits.allowed_extensions:
            allowed = ", ".join(self._limits.allowed_extensions)
            raise Problem(
                ProblemCode.UNSUPPORTED_EXTENSION,
                f"The file's name must end in one of {allowed}. The setting RUSHES_ALLOWED_EXTENSIONS allows others.",
            )
        video_id = uuid4()
        structlog.contextvars.bind_contextvars(video_id=str(video_id))
        return NewVideo(
            id=video_id,
            user_id=user_id,
            title=title_from(filename),
            original_filename=filename,
            original_key=original_key(str(video_id), extension),
            profile=self._limits.default_profile,
            upload_expires_at=datetime.now(UTC) + timedelta(seconds=self._limits.timeout_seconds) + _EXPIRY_MARGIN,
        )

    async def _receive(
        self, upload: IncomingUpload, pieces: AsyncIterator[bytes], file: IncomingFile
    ) -> tuple[UploadForm, ReceivedFile]:
        """Take the body. Whatever goes wrong, no byte of it stays."""
        reader = UploadFormReader(upload.boundary, file, self._max_body_bytes, self._limits.profiles)
        seconds = self._limits.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                return await reader.read(pieces), await file.complete()
        except TimeoutError:
            await uninterrupted(self._interrupt(file, f"The upload took longer than {seconds:g} seconds."))
            raise _too_slow(seconds) from None
        except Problem:
            await uninterrupted(self._forget(file))
            raise
        except (IdempotencyKeyTaken, DatabaseUnavailable):
            raise  # there is no row, and the file is opened only after it
        except StorageFailed as error:
            if not await uninterrupted(self._interrupt(file, str(error))):
                raise _withdrawn() from error
            raise
        except (ClientDisconnect, asyncio.CancelledError):
            await uninterrupted(self._interrupt(file, _GONE_REASON))
            _logger.info("upload interrupted")
            raise
        except Exception:
            await uninterrupted(self._interrupt(file, _UNEXPECTED_REASON))
            raise

    async def _finish(self, file: IncomingFile, form: UploadForm, received: ReceivedFile) -> Video:
        """Every byte is here: make the file durable, hand the row over, start its workflow."""
        try:
            await file.commit()
            video = await self._videos.finish_upload(
                received.video.id,
                title=form.title,
                profile=form.profile,
                file_size_bytes=received.size_bytes,
                content_sha256=received.sha256,
            )
        except StatusConflict as error:
            await file.discard()
            raise _withdrawn() from error
        except StorageFailed as error:
            if not await self._interrupt(file, str(error)):
                raise _withdrawn() from error  # whoever ended the row also removed the file that was to be committed
            raise
        except Exception:
            await self._interrupt(file, _UNEXPECTED_REASON)
            raise
        try:
            await self._processing.start(processing_input(video), video.original_filename)
        except TemporalUnavailable as error:
            _logger.warning("workflow not started, the reconciler will", reason=str(error))
        _logger.info("upload accepted", file_size_bytes=received.size_bytes, sha256=received.sha256)
        return video

    async def _forget(self, file: IncomingFile) -> None:
        """The form was refused: leave neither file nor row."""
        await _discard(file)
        if file.video is not None:
            try:
                await self._videos.delete(file.video.id)
            except DatabaseUnavailable as error:
                _logger.warning("row left to expire", reason=str(error))

    async def _interrupt(self, file: IncomingFile, reason: str) -> bool:
        """Leave no file, and say in the row why. False when the row had moved on already."""
        await _discard(file)
        if file.video is None:
            return True
        try:
            return await self._videos.interrupt_upload(file.video.id, reason)
        except DatabaseUnavailable as error:
            _logger.warning("row left to expire", reason=str(error))
            return True


async def _discard(file: IncomingFile) -> None:
    try:
        await file.discard()
    except StorageFailed as error:
        _logger.warning("part of an upload left behind", reason=str(error))


def _replay(video: Video) -> AcceptedUpload:
    structlog.contextvars.bind_contextvars(video_id=str(video.id))
    if video.status == VideoStatus.UPLOADING:
        raise Problem(ProblemCode.UPLOAD_IN_PROGRESS, f"Video {video.id} is being uploaded with this key.")
    return AcceptedUpload(video, replayed=True)


def _too_slow(seconds: float) -> Problem:
    detail = f"The upload took longer than {seconds:g} seconds."
    return Problem(ProblemCode.UPLOAD_TOO_SLOW, detail, headers={"Connection": "close"})


def _withdrawn() -> Problem:
    return Problem(ProblemCode.UPLOAD_WITHDRAWN, "The video was cancelled or deleted while it was being uploaded.")
