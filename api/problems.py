"""What the api answers when it can't do what was asked: RFC 9457 problem documents, each with a stable ``code``.

One table, ``PROBLEMS``, gives every code its HTTP status and title. A route raises ``Problem``; refusals and errors of
the layers below and of the framework are turned into one by the handlers here, so that no answer has another shape.
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple, cast

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from api.invalid_requests import told_of
from contracts.errors import ErrorCode, VideoError
from contracts.refusals import QuotaExceeded, RefusalCode, Refused
from runs.records import TemporalUnavailable

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"

CHECKSUM_MISMATCH_STATUS: Final = 460
"""Of tus alone: its extension for checksums."""


class ProblemCode(StrEnum):
    """Why a request was refused that HTTP alone knows of, beyond ``RefusalCode`` and ``ErrorCode``."""

    NOT_MULTIPART = "not_multipart"
    BROKEN_MULTIPART = "broken_multipart"
    FILE_MISSING = "file_missing"
    SEVERAL_FILES = "several_files"
    TUS_VERSION = "tus_version"
    TUS_HEADER = "tus_header"
    TUS_MEDIA_TYPE = "tus_media_type"
    AMBIGUOUS_LENGTH = "ambiguous_length"
    TOO_MANY_HEADERS = "too_many_headers"
    UNKNOWN_HTTP_VERSION = "unknown_http_version"
    INVALID_REQUEST = "invalid_request"
    INVALID_CURSOR = "invalid_cursor"
    FILE_NOT_FOUND = "file_not_found"
    RANGE_NOT_SATISFIABLE = "range_not_satisfiable"
    TEMPORAL_UNAVAILABLE = "temporal_unavailable"
    NOT_READY = "not_ready"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    FOREIGN_ORIGIN = "foreign_origin"
    UNKNOWN_HOST = "unknown_host"
    HTTP_ERROR = "http_error"


Code = ProblemCode | RefusalCode | ErrorCode


class ProblemKind(NamedTuple):
    """What all problems of one code share."""

    status: int
    title: str


PROBLEMS: Final[Mapping[Code, ProblemKind]] = {
    ProblemCode.NOT_MULTIPART: ProblemKind(415, "The upload is not multipart/form-data"),
    ProblemCode.AMBIGUOUS_LENGTH: ProblemKind(400, "The body's length is told in two ways"),
    ProblemCode.TOO_MANY_HEADERS: ProblemKind(431, "The request has too many headers"),
    ProblemCode.UNKNOWN_HTTP_VERSION: ProblemKind(400, "This version of HTTP is not spoken here"),
    ProblemCode.BROKEN_MULTIPART: ProblemKind(400, "The multipart body is broken"),
    RefusalCode.UNSUPPORTED_EXTENSION: ProblemKind(415, "Files of this kind are not accepted"),
    RefusalCode.TOO_LARGE: ProblemKind(413, "The file is too large"),
    ProblemCode.FILE_MISSING: ProblemKind(422, "There is no file in the upload"),
    RefusalCode.FILE_EMPTY: ProblemKind(422, "The file is empty"),
    ProblemCode.SEVERAL_FILES: ProblemKind(422, "There is more than one file in the upload"),
    RefusalCode.INVALID_URL: ProblemKind(422, "The URL can't be used"),
    RefusalCode.IMPORT_DISABLED: ProblemKind(403, "Nothing is imported here"),
    RefusalCode.INVALID_TITLE: ProblemKind(422, "The title can't be used"),
    RefusalCode.INVALID_METADATA: ProblemKind(422, "The metadata can't be kept"),
    RefusalCode.INVALID_IDEMPOTENCY_KEY: ProblemKind(422, "The Idempotency-Key can't be used"),
    RefusalCode.IDEMPOTENCY_KEY_REUSED: ProblemKind(422, "The Idempotency-Key belongs to another upload"),
    RefusalCode.UPLOAD_IN_PROGRESS: ProblemKind(409, "The first upload with this Idempotency-Key is still on its way"),
    RefusalCode.UPLOAD_TOO_SLOW: ProblemKind(408, "The upload took too long"),
    RefusalCode.UPLOAD_WITHDRAWN: ProblemKind(409, "The upload was ended while it came"),
    RefusalCode.TOO_MANY_UPLOADS: ProblemKind(503, "Too many uploads are on their way"),
    RefusalCode.TOO_MANY_LISTENERS: ProblemKind(503, "Too many listen to events"),
    RefusalCode.TOO_MANY_OWN_LISTENERS: ProblemKind(429, "You listen to events too often"),
    RefusalCode.UPLOAD_LOCKED: ProblemKind(423, "Another request writes this upload"),
    RefusalCode.UPLOAD_GONE: ProblemKind(410, "The upload can't be gone on with"),
    RefusalCode.UPLOAD_FINISHED: ProblemKind(409, "The upload is finished"),
    RefusalCode.WRONG_OFFSET: ProblemKind(409, "The upload is at another offset"),
    RefusalCode.CHECKSUM_MISMATCH: ProblemKind(CHECKSUM_MISMATCH_STATUS, "The bytes are not those of the checksum"),
    RefusalCode.NO_ROOM: ProblemKind(507, "There is no room for the file"),
    RefusalCode.NO_BUCKET: ProblemKind(409, "There is no bucket to upload into"),
    RefusalCode.PARTS_MISMATCH: ProblemKind(409, "The parts are not those that were declared"),
    ProblemCode.TUS_VERSION: ProblemKind(412, "This version of tus is not spoken here"),
    ProblemCode.TUS_HEADER: ProblemKind(400, "A header of tus is missing or can't be read"),
    ProblemCode.TUS_MEDIA_TYPE: ProblemKind(415, "The bytes of an upload have a media type of their own"),
    ProblemCode.INVALID_REQUEST: ProblemKind(422, "The request is not as documented"),
    ProblemCode.INVALID_CURSOR: ProblemKind(422, "The cursor is not one that was given out"),
    RefusalCode.VIDEO_NOT_FOUND: ProblemKind(404, "There is no such video"),
    RefusalCode.WEBHOOK_NOT_FOUND: ProblemKind(404, "There is no such webhook"),
    RefusalCode.DELIVERY_NOT_FOUND: ProblemKind(404, "There is no such delivery"),
    RefusalCode.TOO_MANY_WEBHOOKS: ProblemKind(409, "The caller has as many webhooks as may be"),
    RefusalCode.NOT_CANCELLABLE: ProblemKind(409, "The video can't be cancelled"),
    RefusalCode.NOT_RETRYABLE: ProblemKind(409, "The video can't be retried"),
    RefusalCode.NOT_REPROCESSABLE: ProblemKind(409, "The video can't be made anew"),
    RefusalCode.COHORT_NOT_FOUND: ProblemKind(404, "There is no such cohort"),
    RefusalCode.UNAUTHENTICATED: ProblemKind(401, "Who asks is not known"),
    RefusalCode.CSRF_REFUSED: ProblemKind(403, "The session's token is missing"),
    RefusalCode.ADMINS_ONLY: ProblemKind(403, "Only administrators may see this"),
    RefusalCode.QUOTA_EXCEEDED: ProblemKind(429, "That is more than the caller may use"),
    ProblemCode.FILE_NOT_FOUND: ProblemKind(404, "There is no such file"),
    ProblemCode.RANGE_NOT_SATISFIABLE: ProblemKind(416, "The file has no such range"),
    ProblemCode.TEMPORAL_UNAVAILABLE: ProblemKind(503, "Temporal does not answer"),
    ProblemCode.NOT_READY: ProblemKind(503, "The service can't take uploads"),
    ProblemCode.NOT_FOUND: ProblemKind(404, "There is nothing at this address"),
    ProblemCode.METHOD_NOT_ALLOWED: ProblemKind(405, "This address does not take that method"),
    ProblemCode.FOREIGN_ORIGIN: ProblemKind(403, "Another website asked for this"),
    ProblemCode.UNKNOWN_HOST: ProblemKind(421, "The service has another name"),
    ProblemCode.HTTP_ERROR: ProblemKind(400, "The request was refused"),
    ErrorCode.UNKNOWN_PROFILE: ProblemKind(422, "There is no such encoding profile"),
    ErrorCode.ADDRESS_REFUSED: ProblemKind(422, "The address is not one that is asked"),
    ErrorCode.ORIGINAL_MISSING: ProblemKind(409, "The uploaded file is gone"),
    ErrorCode.STATUS_CONFLICT: ProblemKind(409, "The video has moved on"),
    ErrorCode.STORAGE_FAILED: ProblemKind(507, "The file can't be stored"),
    ErrorCode.DATABASE_UNAVAILABLE: ProblemKind(503, "The database can't be used now"),
    ErrorCode.INTERNAL: ProblemKind(500, "Something went wrong here"),
}

_SOON: Final = {"Retry-After": "5"}
_HEADERS: Final[Mapping[Code, Mapping[str, str]]] = {
    ErrorCode.DATABASE_UNAVAILABLE: _SOON,
    ProblemCode.TEMPORAL_UNAVAILABLE: _SOON,
    ProblemCode.NOT_READY: _SOON,
    RefusalCode.UPLOAD_IN_PROGRESS: _SOON,
    RefusalCode.UPLOAD_LOCKED: {"Retry-After": "1"},
    RefusalCode.TOO_MANY_UPLOADS: _SOON,
    RefusalCode.TOO_MANY_LISTENERS: _SOON,
    RefusalCode.TOO_MANY_OWN_LISTENERS: _SOON,
    RefusalCode.UPLOAD_TOO_SLOW: {"Connection": "close"},
}
"""Sent with every answer of that code."""

_logger = structlog.stdlib.get_logger(__name__)


class InvalidParameter(BaseModel):
    """One part of a request that is not as documented."""

    model_config = ConfigDict(extra="forbid")

    parameter: str = Field(
        description="Where it is: path, query, header or body, and its name.", examples=["query.limit"]
    )
    detail: str = Field(description="What is wrong with it.", examples=["Input should be less than or equal to 100"])


class ProblemDocument(BaseModel):
    """An RFC 9457 problem document; ``code`` is stable, the sentences are for people."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="A name for this kind of problem, made from the code.")
    title: str = Field(description="The same sentence for every problem of this kind.")
    status: int = Field(description="The HTTP status of the answer.")
    code: str = Field(description="Stable name of the kind of problem.")
    detail: str = Field(description="What went wrong this time.")
    instance: str = Field(description="The address that was asked.")
    request_id: str | None = Field(default=None, description="The X-Request-ID, as the logs have it.")
    errors: list[InvalidParameter] | None = Field(default=None, description="For invalid_request: what is wrong.")
    checks: dict[str, str] | None = Field(default=None, description="For not_ready: how each dependency is.")


PROBLEM_CODE: Final = "rushes_problem_code"
"""Key of a request's scope: what it was refused for."""


class Problem(Refused):
    """A request that is refused for a reason that HTTP alone knows of, or with more than a code and a sentence.

    Attributes:
        headers: Sent with the answer.
        extensions: More members of the document, of those that ``ProblemDocument`` has.
    """

    def __init__(
        self,
        code: Code,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code, detail)
        self.headers = dict(headers or {})
        self.extensions = dict(extensions or {})


def problem_type(code: str) -> str:
    """The ``type`` member of a code's documents."""
    return f"urn:rushes:problem:{code}"


def problem_response(refusal: Refused, *, path: str, request_id: str | None, status: int | None = None) -> JSONResponse:
    """The answer that tells ``refusal``; ``status`` overrides the table's."""
    code = cast("Code", refusal.code)
    kind = PROBLEMS.get(code, PROBLEMS[ErrorCode.INTERNAL])
    told = refusal if isinstance(refusal, Problem) else Problem(code, refusal.detail)
    document = ProblemDocument(
        type=problem_type(code),
        title=kind.title,
        status=status or kind.status,
        code=code,
        detail=told.detail,
        instance=path,
        request_id=request_id,
        **told.extensions,
    )
    return JSONResponse(
        document.model_dump(exclude_none=True),
        status_code=document.status,
        headers={**_HEADERS.get(code, {}), **told.headers},
        media_type=PROBLEM_MEDIA_TYPE,
    )


def unexpected_problem() -> Problem:
    """What a caller is told of a defect of ours: nothing of the inside, but how to find it in the logs."""
    return Problem(ErrorCode.INTERNAL, "An unexpected error; the logs have it under this request's id.")


def install_problem_handlers(app: FastAPI, nothing_here: Callable[[Request], Awaitable[Response | None]]) -> None:
    """Make every error of ``app`` a problem document. Unexpected exceptions are left to ``RequestLog``.

    Args:
        app: Of the service.
        nothing_here: What a person is shown in its place where there is nothing; None for all others.
    """

    async def answer_http_exception(request: Request, error: HTTPException) -> Response:
        is_nothing = error.status_code == PROBLEMS[ProblemCode.NOT_FOUND].status
        return (await nothing_here(request) if is_nothing else None) or _answer_http_exception(request, error)

    app.exception_handler(Refused)(_answer_refused)
    app.exception_handler(VideoError)(_answer_video_error)
    app.exception_handler(TemporalUnavailable)(_answer_temporal_unavailable)
    app.exception_handler(RequestValidationError)(_answer_invalid_request)
    app.exception_handler(HTTPException)(answer_http_exception)


def _answer(request: Request, refusal: Refused, status: int | None = None) -> JSONResponse:
    request.scope[PROBLEM_CODE] = str(refusal.code)
    return problem_response(refusal, path=request.url.path, request_id=request.scope.get("request_id"), status=status)


async def _answer_refused(request: Request, error: Refused) -> JSONResponse:
    if isinstance(error, QuotaExceeded):
        error = Problem(
            RefusalCode.QUOTA_EXCEEDED, error.detail, headers={"Retry-After": str(error.retry_after_seconds)}
        )
    return _answer(request, error)


async def _answer_video_error(request: Request, error: VideoError) -> JSONResponse:
    if error.code not in PROBLEMS:
        _logger.error("unexpected video error", error_code=error.code, exc_info=error)
        return _answer(request, unexpected_problem())
    _logger.warning("request failed", error_code=error.code, reason=str(error))
    return _answer(request, Problem(error.code, str(error)))


async def _answer_temporal_unavailable(request: Request, error: TemporalUnavailable) -> JSONResponse:
    _logger.warning("temporal unavailable", reason=str(error))
    return _answer(request, Problem(ProblemCode.TEMPORAL_UNAVAILABLE, "Temporal does not answer now; try again."))


async def _answer_invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
    invalid, detail = told_of(error)
    return _answer(request, Problem(ProblemCode.INVALID_REQUEST, detail, extensions={"errors": invalid}))


def _answer_http_exception(request: Request, error: HTTPException) -> JSONResponse:
    headers = error.headers or {}
    if error.status_code == PROBLEMS[ProblemCode.NOT_FOUND].status:
        problem = Problem(ProblemCode.NOT_FOUND, f"There is nothing at {request.url.path}.", headers=headers)
    elif error.status_code == PROBLEMS[ProblemCode.METHOD_NOT_ALLOWED].status:
        detail = f"{request.url.path} does not take {request.method}."
        problem = Problem(ProblemCode.METHOD_NOT_ALLOWED, detail, headers=headers)
    else:
        problem = Problem(ProblemCode.HTTP_ERROR, str(error.detail), headers=headers)
    return _answer(request, problem, status=error.status_code)
