"""``POST /api/v1/videos/upload``."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response, status

from api.authentication import CallerDep
from api.multipart import boundary_of
from api.openapi import UPLOAD_BODY, problem_answers
from api.problems import Problem, ProblemCode
from api.schemas import VideoAccepted
from api.services import UploadsDep
from api.upload_form import UploadFormReader, most_body_bytes
from contracts.errors import ErrorCode
from contracts.refusals import RefusalCode
from contracts.status import VideoStatus
from ingest.rules import checked_idempotency_key

ACCEPTED_MESSAGE: Final = "Video upload accepted, processing started"
REPLAYED_HEADER: Final = "Idempotency-Replayed"
ACCEPTED_HEADERS: Final[dict[int | str, dict[str, Any]]] = {
    202: {
        "headers": {
            "Location": {"description": "Where the video is.", "schema": {"type": "string"}},
            REPLAYED_HEADER: {
                "description": "`true` when an earlier request with the same key made the video.",
                "schema": {"type": "string"},
            },
        }
    }
}
"""Of an answer that has a video, whichever door made it."""

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
        RefusalCode.UPLOAD_TOO_SLOW,
        RefusalCode.UPLOAD_IN_PROGRESS,
        RefusalCode.UPLOAD_WITHDRAWN,
        RefusalCode.TOO_LARGE,
        ProblemCode.NOT_MULTIPART,
        RefusalCode.UNSUPPORTED_EXTENSION,
        ProblemCode.FILE_MISSING,
        RefusalCode.FILE_EMPTY,
        ProblemCode.SEVERAL_FILES,
        RefusalCode.INVALID_TITLE,
        RefusalCode.INVALID_IDEMPOTENCY_KEY,
        ErrorCode.UNKNOWN_PROFILE,
        ErrorCode.DATABASE_UNAVAILABLE,
        ErrorCode.STORAGE_FAILED,
    )
    | ACCEPTED_HEADERS,
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
    boundary = boundary_of(request.headers.get("content-type"))
    if boundary is None:
        raise Problem(ProblemCode.NOT_MULTIPART, "Send the video as multipart/form-data, with a boundary.")
    key = checked_idempotency_key(idempotency_key)
    limits = uploads.limits
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most_body_bytes(limits):
        limits.check_size(int(announced))
    accepted = await uploads.accept(
        caller.user_id, key, lambda file: UploadFormReader(boundary, file, limits).read(request.stream())
    )
    if accepted.replayed:
        response.headers[REPLAYED_HEADER] = "true"
    response.headers["Location"] = f"/api/v1/videos/{accepted.video.id}"
    return VideoAccepted(video_id=accepted.video.id, status=VideoStatus.PROCESSING, message=ACCEPTED_MESSAGE)
