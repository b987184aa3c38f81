"""``POST /api/v1/videos/import``."""

from typing import Final

from fastapi import APIRouter, Response, status
from pydantic import BaseModel, ConfigDict, Field

from api.authentication import CallerDep
from api.idempotency import IdempotencyKeyDep, answer_headers, tell
from api.openapi import problem_answers
from api.problems import ProblemCode
from api.schemas import VideoAccepted
from api.services import ImportsDep
from api.small_body import SmallBodyRoute
from contracts.errors import ErrorCode
from contracts.refusals import RefusalCode
from contracts.status import VideoStatus
from events.video_view import Metadata
from ingest.importing import WantedImport

ACCEPTED_MESSAGE: Final = "Video import accepted, processing started"

router = APIRouter(prefix="/api/v1/videos", tags=["videos"], route_class=SmallBodyRoute)


class ImportRequest(BaseModel):
    """A video that is somewhere else."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        description="Where its file is: http or https, at a public address.",
        examples=["https://example.com/clips/ficus.mov"],
    )
    title: str | None = Field(
        default=None, description="Shown to people. Default: the file's name without its extension."
    )
    profile: str | None = Field(
        default=None, description="How the video is encoded: one of the profiles of `GET /api/v1/system`."
    )
    metadata: Metadata = Field(default_factory=dict)


@router.post(
    "/import",
    operation_id="import_video",
    summary="Import a video from a URL",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=VideoAccepted,
    response_description="The video is there, and its run, which fetches the file first, has been started or will be.",
    responses=problem_answers(
        RefusalCode.IMPORT_DISABLED,
        RefusalCode.UPLOAD_IN_PROGRESS,
        RefusalCode.IDEMPOTENCY_KEY_REUSED,
        ProblemCode.INVALID_REQUEST,
        RefusalCode.INVALID_URL,
        ErrorCode.ADDRESS_REFUSED,
        RefusalCode.INVALID_TITLE,
        RefusalCode.INVALID_METADATA,
        RefusalCode.INVALID_IDEMPOTENCY_KEY,
        ErrorCode.UNKNOWN_PROFILE,
        ErrorCode.DATABASE_UNAVAILABLE,
    )
    | answer_headers(status.HTTP_202_ACCEPTED),
)
async def import_video(
    wanted: ImportRequest,
    response: Response,
    caller: CallerDep,
    imports: ImportsDep,
    idempotency_key: IdempotencyKeyDep,
) -> VideoAccepted:
    """Answers at once; the step `fetch` of the video's run brings the file here.

    What comes of it is in the video: `source_not_found`, `source_failed`, `address_refused` where the name or a
    redirect leads into a private network, `limit_exceeded` where the file is too large.
    """
    accepted = await imports.accept(
        caller.user_id,
        idempotency_key,
        WantedImport(wanted.url, wanted.title or "", wanted.profile or "", wanted.metadata),
    )
    tell(response, f"/api/v1/videos/{accepted.video.id}", replayed=accepted.replayed)
    return VideoAccepted(video_id=accepted.video.id, status=VideoStatus.PROCESSING, message=ACCEPTED_MESSAGE)
