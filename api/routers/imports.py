"""``POST /api/v1/videos/import``."""

from typing import Annotated, Final

from fastapi import APIRouter, Header, Response, status
from pydantic import BaseModel, ConfigDict, Field

from api.authentication import CallerDep
from api.openapi import problem_answers
from api.problems import ProblemCode
from api.routers.uploads import ACCEPTED_HEADERS, REPLAYED_HEADER
from api.schemas import VideoAccepted
from api.services import ImportsDep
from api.small_body import SmallBodyRoute
from contracts.errors import ErrorCode
from contracts.refusals import RefusalCode
from contracts.status import VideoStatus
from ingest.importing import WantedImport
from ingest.rules import checked_idempotency_key

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
        ProblemCode.INVALID_REQUEST,
        RefusalCode.INVALID_URL,
        ErrorCode.ADDRESS_REFUSED,
        RefusalCode.INVALID_TITLE,
        RefusalCode.INVALID_IDEMPOTENCY_KEY,
        ErrorCode.UNKNOWN_PROFILE,
        ErrorCode.DATABASE_UNAVAILABLE,
    )
    | ACCEPTED_HEADERS,
)
async def import_video(
    wanted: ImportRequest,
    response: Response,
    caller: CallerDep,
    imports: ImportsDep,
    idempotency_key: Annotated[
        str | None,
        Header(description="Any name of this import, 1 to 255 characters. Sent again, it gets the first answer again."),
    ] = None,
) -> VideoAccepted:
    """Answers at once; the step `fetch` of the video's run brings the file here.

    What comes of it is in the video: `source_not_found`, `source_failed`, `address_refused` where the name or a
    redirect leads into a private network, `limit_exceeded` where the file is too large.
    """
    key = checked_idempotency_key(idempotency_key)
    accepted = await imports.accept(
        caller.user_id, key, WantedImport(wanted.url, wanted.title or "", wanted.profile or "")
    )
    if accepted.replayed:
        response.headers[REPLAYED_HEADER] = "true"
    response.headers["Location"] = f"/api/v1/videos/{accepted.video.id}"
    return VideoAccepted(video_id=accepted.video.id, status=VideoStatus.PROCESSING, message=ACCEPTED_MESSAGE)
