"""Why a request is refused, whichever door it came through: one stable code for each reason.

These are about a request, and those of ``contracts.errors`` about a video; a request may be refused for either. Only
``api/problems.py`` makes an HTTP answer of them.
"""

from enum import StrEnum


class RefusalCode(StrEnum):
    """Why a request was refused, beyond the reasons of ``contracts.errors.ErrorCode``."""

    UNSUPPORTED_EXTENSION = "unsupported_extension"
    TOO_LARGE = "too_large"
    FILE_EMPTY = "file_empty"
    INVALID_URL = "invalid_url"
    IMPORT_DISABLED = "import_disabled"
    INVALID_TITLE = "invalid_title"
    INVALID_METADATA = "invalid_metadata"
    INVALID_IDEMPOTENCY_KEY = "invalid_idempotency_key"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    UPLOAD_IN_PROGRESS = "upload_in_progress"
    TOO_MANY_UPLOADS = "too_many_uploads"
    TOO_MANY_LISTENERS = "too_many_listeners"
    TOO_MANY_OWN_LISTENERS = "too_many_own_listeners"
    UPLOAD_TOO_SLOW = "upload_too_slow"
    UPLOAD_WITHDRAWN = "upload_withdrawn"
    UPLOAD_LOCKED = "upload_locked"
    UPLOAD_GONE = "upload_gone"
    UPLOAD_FINISHED = "upload_finished"
    WRONG_OFFSET = "wrong_offset"
    CHECKSUM_MISMATCH = "checksum_mismatch"
    NO_ROOM = "no_room"
    NO_BUCKET = "no_bucket"
    PARTS_MISMATCH = "parts_mismatch"
    VIDEO_NOT_FOUND = "video_not_found"
    NOT_CANCELLABLE = "not_cancellable"
    NOT_RETRYABLE = "not_retryable"
    NOT_REPROCESSABLE = "not_reprocessable"
    WEBHOOK_NOT_FOUND = "webhook_not_found"
    DELIVERY_NOT_FOUND = "delivery_not_found"
    TOO_MANY_WEBHOOKS = "too_many_webhooks"
    COHORT_NOT_FOUND = "cohort_not_found"
    UNAUTHENTICATED = "unauthenticated"
    CSRF_REFUSED = "csrf_refused"
    ADMINS_ONLY = "admins_only"
    QUOTA_EXCEEDED = "quota_exceeded"


class Refused(Exception):
    """A request that is refused, for a reason that the caller is told.

    Attributes:
        code: Stable name of the reason: a ``RefusalCode``, an ``ErrorCode``, or a code of the door's own.
        detail: A sentence that the caller understands.
    """

    def __init__(self, code: StrEnum, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class QuotaExceeded(Refused):
    """The caller has, or asks for, more than it may.

    Attributes:
        retry_after_seconds: When asking again may help.
    """

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(RefusalCode.QUOTA_EXCEEDED, detail)
        self.retry_after_seconds = retry_after_seconds
