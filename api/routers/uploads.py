"""``POST /api/v1/videos/upload``."""

from typing import Final

from fastapi import APIRouter, Request, Response, status

from api.authentication import CallerDep
from api.idempotency import IdempotencyKeyDep, answer_headers, tell
from api.multipart import boundary_of
from api.openapi import UPLOAD_BODY, problem_answers
from api.problems import Problem, ProblemCode
from api.schemas import VideoAccepted
from api.services import UploadsDep
from api.upload_form import UploadFormReader, most_body_bytes
from contracts.errors import ErrorCode
from contracts.refusals import RefusalCode
from contracts.status import VideoStatus

ACCEPTED_MESSAGE: Final = "Video upload accepted, processing started"

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
        RefusalCode.TOO_MANY_UPLOADS,
        RefusalCode.NO_ROOM,
        RefusalCode.UPLOAD_IN_PROGRESS,
        RefusalCode.IDEMPOTENCY_KEY_REUSED,
        RefusalCode.UPLOAD_WITHDRAWN,
        RefusalCode.TOO_LARGE,
        ProblemCode.NOT_MULTIPART,
        RefusalCode.UNSUPPORTED_EXTENSION,
        ProblemCode.FILE_MISSING,
        RefusalCode.FILE_EMPTY,
        ProblemCode.SEVERAL_FILES,
        RefusalCode.INVALID_TITLE,
        RefusalCode.INVALID_METADATA,
        RefusalCode.INVALID_IDEMPOTENCY_KEY,
        ProblemCode.INVALID_REQUEST,
        ErrorCode.UNKNOWN_PROFILE,
        ErrorCode.DATABASE_UNAVAILABLE,
        ErrorCode.STORAGE_FAILED,
    )
    | answer_headers(status.HTTP_202_ACCEPTED),
)
async def upload_video(
    request: Request,
    response: Response,
    caller: CallerDep,
    uploads: UploadsDep,
    idempotency_key: IdempotencyKeyDep,
) -> VideoAccepted:
    """Streams the file to disk as it arrives, then starts the workflow that makes it ready to play.

    The form's field `file` is the video. `title`, `profile` and `metadata`, a JSON object of texts, are
    optional, before the file or after it.
    """
    boundary = boundary_of(request.headers.get("content-type"))
    if boundary is None:
        raise Problem(ProblemCode.NOT_MULTIPART, "Send the video as multipart/form-data, with a boundary.")
    limits = uploads.limits
    said = request.headers.get("content-length", "")
    announced_bytes = int(said) if said.isdecimal() else 0
    if announced_bytes > most_body_bytes(limits):
        limits.check_size(announced_bytes)
    accepted = await uploads.accept(
        caller.user_id,
        idempotency_key,
        lambda file: UploadFormReader(boundary, file, limits).read(request.stream()),
        announced_bytes,
    )
    tell(response, f"/api/v1/videos/{accepted.video.id}", replayed=accepted.replayed)
    return VideoAccepted(video_id=accepted.video.id, status=VideoStatus.PROCESSING, message=ACCEPTED_MESSAGE)
