"""What can go wrong with a video: one stable code for each reason.

The same code is the ``error_code`` of the row, the search attribute ``VideoErrorCode``, the ``code`` of a problem
document and the ``type`` of the ``ApplicationError`` in Temporal's history, so a reason has one name everywhere.

    VideoError
    ├── InvalidMedia         the file is not a video that can be read        final
    ├── NoVideoStream        it has no picture                               final
    ├── UnsupportedCodec     nothing here can decode it                      final
    ├── LimitExceeded        too long or too large                           final
    ├── TranscodeFailed      ffmpeg failed, perhaps for a passing reason     retried
    ├── OutputMismatch       the output is not what was asked for            retried
    ├── OriginalMissing      the uploaded file is not in storage             final
    ├── StorageFailed        a disk or bucket refused                        retried
    ├── StatusConflict       the row has moved on: cancelled, or deleted     final
    └── DatabaseUnavailable  PostgreSQL does not answer                      retried
"""

from enum import StrEnum
from typing import ClassVar


class ErrorCode(StrEnum):
    """Why a video is in ``error``. Values are public and never change their meaning."""

    INVALID_MEDIA = "invalid_media"
    NO_VIDEO_STREAM = "no_video_stream"
    UNSUPPORTED_CODEC = "unsupported_codec"
    LIMIT_EXCEEDED = "limit_exceeded"
    TRANSCODE_FAILED = "transcode_failed"
    OUTPUT_MISMATCH = "output_mismatch"
    ORIGINAL_MISSING = "original_missing"
    STORAGE_FAILED = "storage_failed"
    STATUS_CONFLICT = "status_conflict"
    DATABASE_UNAVAILABLE = "database_unavailable"
    UPLOAD_INTERRUPTED = "upload_interrupted"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    PROCESSING_LOST = "processing_lost"
    INTERNAL = "internal"


class VideoError(Exception):
    """A reason why a video can't go on, as a sentence that its owner understands.

    Attributes:
        code: The stable name of the reason.
        retryable: Whether the same step may succeed when it is tried again.
    """

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL
    retryable: ClassVar[bool] = True


class InvalidMedia(VideoError):
    """The file is not a video that can be read from start to end."""

    code = ErrorCode.INVALID_MEDIA
    retryable = False


class NoVideoStream(VideoError):
    """The file has sound or data, but no picture."""

    code = ErrorCode.NO_VIDEO_STREAM
    retryable = False


class UnsupportedCodec(VideoError):
    """The picture is in a codec that this ffmpeg can't decode."""

    code = ErrorCode.UNSUPPORTED_CODEC
    retryable = False


class LimitExceeded(VideoError):
    """The video is longer, or its picture larger, than this service accepts."""

    code = ErrorCode.LIMIT_EXCEEDED
    retryable = False


class TranscodeFailed(VideoError):
    """Ffmpeg ended with an error, or was killed, though the file could be read."""

    code = ErrorCode.TRANSCODE_FAILED


class OutputMismatch(VideoError):
    """What ffmpeg wrote is not what the plan asked for."""

    code = ErrorCode.OUTPUT_MISMATCH


class OriginalMissing(VideoError):
    """The uploaded file is not in storage."""

    code = ErrorCode.ORIGINAL_MISSING
    retryable = False


class StorageFailed(VideoError):
    """A disk or bucket refused: full, read-only, or away."""

    code = ErrorCode.STORAGE_FAILED


class StatusConflict(VideoError):
    """The row is not in the status that this change starts from: it was cancelled, retried or deleted meanwhile."""

    code = ErrorCode.STATUS_CONFLICT
    retryable = False


class DatabaseUnavailable(VideoError):
    """PostgreSQL does not answer."""

    code = ErrorCode.DATABASE_UNAVAILABLE
