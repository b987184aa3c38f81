"""What can go wrong with a video: one stable code for each reason.

The same code is the ``error_code`` of the row, the search attribute ``VideoErrorCode``, the ``code`` of a problem
document and the ``type`` of the ``ApplicationError`` in Temporal's history, so a reason has one name everywhere.

    VideoError
    ├── InvalidMedia         the file is not a video that can be read        final
    ├── NoVideoStream        it has no picture                               final
    ├── UnsupportedCodec     nothing here can decode it                      final
    ├── Encrypted            its streams can't be read without a key         final
    ├── LimitExceeded        too long, too large, or too much to encode      final
    ├── UnknownProfile       its profile is not known to this worker         final
    ├── TranscodeFailed      ffmpeg failed, perhaps for a passing reason     counted
    ├── OutputMismatch       the output is not what was asked for            counted
    ├── AddressRefused       what it is to be fetched from may not be asked  final
    ├── SourceNotFound       there is no such file there                     final
    ├── SourceFailed         the server that has it fails                    counted
    ├── SourceTooSlow        it did not arrive in the time that it may take  final
    ├── OriginalMissing      the uploaded file is not in storage             final
    ├── StorageFailed        a disk or bucket refused                        retried
    │   ├── DiskHangs        a disk says nothing, for now or for good        retried
    │   └── WorkMissing      what an earlier step wrote is not there         counted
    ├── VideoCancelled       its cancel was accepted meanwhile               final
    ├── StatusConflict       the row has moved on: retried, or deleted       final
    └── DatabaseUnavailable  PostgreSQL does not answer                      retried

*Retried* is what passes by itself, for as long as it takes. *Counted* is what the work itself may cause: it is tried a
few times, and those times are counted in the workflow, where a lost worker or a restart can't use them up.
"""

from enum import StrEnum
from typing import ClassVar


class ErrorCode(StrEnum):
    """Why a video is in ``error``. Values are public and never change their meaning."""

    INVALID_MEDIA = "invalid_media"
    NO_VIDEO_STREAM = "no_video_stream"
    UNSUPPORTED_CODEC = "unsupported_codec"
    ENCRYPTED = "encrypted"
    LIMIT_EXCEEDED = "limit_exceeded"
    UNKNOWN_PROFILE = "unknown_profile"
    TRANSCODE_FAILED = "transcode_failed"
    OUTPUT_MISMATCH = "output_mismatch"
    ADDRESS_REFUSED = "address_refused"
    SOURCE_NOT_FOUND = "source_not_found"
    SOURCE_FAILED = "source_failed"
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
        counted: Whether the work itself may be the cause, so that it is tried a few times only.
    """

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL
    retryable: ClassVar[bool] = True
    counted: ClassVar[bool] = False


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


class Encrypted(VideoError):
    """Picture or sound are encrypted (Common Encryption, FairPlay)."""

    code = ErrorCode.ENCRYPTED
    retryable = False


class LimitExceeded(VideoError):
    """The video is longer, its picture or file larger, or its encode dearer than this service or its user may have."""

    code = ErrorCode.LIMIT_EXCEEDED
    retryable = False


class UnknownProfile(VideoError):
    """The row names an encoding profile that is not, or no longer, in the worker's profiles."""

    code = ErrorCode.UNKNOWN_PROFILE
    retryable = False


class TranscodeFailed(VideoError):
    """Ffmpeg ended with an error, or was killed, though the file could be read."""

    code = ErrorCode.TRANSCODE_FAILED
    counted = True


class OutputMismatch(VideoError):
    """What ffmpeg wrote is not what the plan asked for."""

    code = ErrorCode.OUTPUT_MISMATCH
    counted = True


class AddressRefused(VideoError):
    """The URL of an import, or what it is redirected to, leads nowhere, or not to the public internet alone."""

    code = ErrorCode.ADDRESS_REFUSED
    retryable = False


class SourceNotFound(VideoError):
    """The server of an import says that there is no such file, or does not give it out."""

    code = ErrorCode.SOURCE_NOT_FOUND
    retryable = False


class SourceFailed(VideoError):
    """The server of an import can't be reached, fails, or breaks off."""

    code = ErrorCode.SOURCE_FAILED
    counted = True


class SourceTooSlow(VideoError):
    """The file of an import did not arrive in the time that it may take."""

    code = ErrorCode.TIMED_OUT
    retryable = False


class OriginalMissing(VideoError):
    """The uploaded file is not in storage."""

    code = ErrorCode.ORIGINAL_MISSING
    retryable = False


class StorageFailed(VideoError):
    """A disk or bucket refused: full, read-only, or away."""

    code = ErrorCode.STORAGE_FAILED


class DiskHangs(StorageFailed):
    """A disk does not answer. What was begun there is not removed either, as that would wait for it as well."""


class WorkMissing(StorageFailed):
    """What an earlier step wrote is not in storage: it was cleaned, or the workers do not share the folder."""

    counted = True


class VideoCancelled(VideoError):
    """Somebody cancelled the video, and was told so, before this change reached its row."""

    code = ErrorCode.CANCELLED
    retryable = False


class StatusConflict(VideoError):
    """The row is not in the status that this change starts from: it was retried or deleted meanwhile."""

    code = ErrorCode.STATUS_CONFLICT
    retryable = False


class DatabaseUnavailable(VideoError):
    """PostgreSQL does not answer."""

    code = ErrorCode.DATABASE_UNAVAILABLE
