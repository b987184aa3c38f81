"""``POST /api/v1/videos/upload``."""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response, status

from api.multipart import boundary_of
from api.openapi import UPLOAD_BODY, problem_answers
from api.problems import Problem, ProblemCode
from api.schemas import VideoAccepted
from api.services import CallerDep, UploadsDep
from api.uploads import IncomingUpload
from contracts.errors import ErrorCode
from contracts.status import VideoStatus

ACCEPTED_MESSAGE: Final = "Video upload accepted, processing started"
REPLAYED_HEADER: Final = "Idempotency-Replayed"
_IDEMPOTENCY_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")

router = APIRouter(prefix="/api/v1/videos", tags=["videos"])


@router.post(
    "/upload",
    operation_id="upload_video",
    summary="Upload a video",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=VideoAccepted,
    response_description="The file is stored, and its processing has been started or will be.",
    openapi_extra=UPLOAD_BODY,
    responses=problem_answers(
        ProblemCode.BROKEN_MULTIPART,
        ProblemCode.UPLOAD_TOO_SLOW,
        ProblemCode.UPLOAD_IN_PROGRESS,
        ProblemCode.UPLOAD_WITHDRAWN,
        ProblemCode.TOO_LARGE,
        ProblemCode.NOT_MULTIPART,
        ProblemCode.UNSUPPORTED_EXTENSION,
        ProblemCode.FILE_MISSING,
        ProblemCode.FILE_EMPTY,
        ProblemCode.SEVERAL_FILES,
        ProblemCode.INVALID_TITLE,
        ProblemCode.INVALID_IDEMPOTENCY_KEY,
        ErrorCode.UNKNOWN_PROFILE,
        ErrorCode.DATABASE_UNAVAILABLE,
        ErrorCode.STORAGE_FAILED,
    )
    | {
        202: {
            "headers": {
                "Location": {"description": "Where the video is.", "schema": {"type": "string"}},
                REPLAYED_HEADER: {
                    "description": "`true` when an earlier request with the same key made the video.",
                    "schema": {"type": "string"},
                },
            }
        }
    },
)
async def upload_video(
    request: Request,
    response: Response,
    caller: CallerDep,
    uploads: UploadsDep,
    idempotency_key: Annotated[
        str | None,
        Header(description="Any name of this upload, 1 to 255 characters. Sent again, it gets the first answer again."),
    ] = None,
) -> VideoAccepted:
    """Streams the file to disk as it arrives, then starts the workflow that makes it ready to play.

    The form's field `file` is the video. `title` and `profile` are optional, before the file or after it.
    """
    upload = _incoming(request, caller.user_id, idempotency_key)
    accepted = await uploads.accept(upload, request.stream())
    if accepted.replayed:
        response.headers[REPLAYED_HEADER] = "true"
    response.headers["Location"] = f"/api/v1/videos/{accepted.video.id}"
    return VideoAccepted(video_id=accepted.video.id, status=VideoStatus.PROCESSING, message=ACCEPTED_MESSAGE)


def _incoming(request: Request, user_id: str, idempotency_key: str | None) -> IncomingUpload:
    boundary = boundary_of(request.headers.get("content-type"))
    if boundary is None:
        raise Problem(ProblemCode.NOT_MULTIPART, "Send the video as multipart/form-data, with a boundary.")
    if idempotency_key is not None and not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise Problem(
            ProblemCode.INVALID_IDEMPOTENCY_KEY, "An Idempotency-Key has 1 to 255 printable ASCII characters."
        )
    content_length = request.headers.get("content-length", "")
    return IncomingUpload(
        user_id=user_id,
        boundary=boundary,
        content_length=int(content_length) if content_length.isdecimal() else None,
        idempotency_key=idempotency_key,
    )
