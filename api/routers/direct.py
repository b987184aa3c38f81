"""``/api/v1/videos/direct``: uploads that go straight into the bucket."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response, status
from pydantic import BaseModel, ConfigDict, FailFast, Field

from api.authentication import CallerDep
from api.idempotency import IdempotencyKeyDep, answer_headers, tell
from api.openapi import problem_answers
from api.problems import ProblemCode
from api.schemas import VideoAccepted
from api.services import DirectDep, VideoId
from api.small_body import SmallBodyRoute
from contracts.errors import ErrorCode
from contracts.refusals import RefusalCode
from contracts.status import VideoStatus
from events.video_view import Metadata


class _LongRoute(SmallBodyRoute):
    """Ten thousand parts, each with what a bucket answered to it, are about a mebibyte."""

    most_bytes = 2 * 1024 * 1024


router = APIRouter(prefix="/api/v1/videos/direct", tags=["uploads"], route_class=SmallBodyRoute)
_completing = APIRouter(route_class=_LongRoute)

_ANY = (
    RefusalCode.NO_BUCKET,
    ProblemCode.INVALID_REQUEST,
    ErrorCode.DATABASE_UNAVAILABLE,
    ErrorCode.STORAGE_FAILED,
)


class DirectUploadRequest(BaseModel):
    """What will be uploaded."""

    model_config = ConfigDict(extra="forbid")

    filename: str = Field(description="Its name; the extension has to be an allowed one.", examples=["holiday.mp4"])
    size_bytes: int = Field(ge=0, description="Its size.", examples=[734003200])
    title: str = Field(default="", description="Default: the file's name.")
    profile: str = Field(default="", description="Name of an encoding profile. Default: the service's choice.")
    metadata: Metadata = Field(default_factory=dict)


class SignedPartView(BaseModel):
    """Where one part goes."""

    number: int = Field(description="From 1.")
    url: str = Field(description="Put the part's bytes there, all of them and no more. The answer has an ETag.")


class DirectUploadView(BaseModel):
    """An upload that begins."""

    video_id: UUID = Field(description="Of the video, whose row is there from now on.")
    part_bytes: int = Field(description="Size of every part but the last.")
    parts: list[SignedPartView] = Field(
        description="In order; none where an earlier request completed the upload, or was about to: ask for it again."
    )
    expires_at: datetime | None = Field(
        description="Until then the parts can be put and the upload be completed; null where it is."
    )


class CompletedPart(BaseModel):
    """A part that was put."""

    number: int = Field(ge=1, description="Of the part.")
    etag: str = Field(description="As the bucket answered it.", max_length=200)


class DirectUploadCompletion(BaseModel):
    """What was put. What else is said is not looked at: it may be long, and each word of it would be an error."""

    parts: Annotated[list[CompletedPart], FailFast()] = Field(
        default_factory=list, max_length=10_000, description="Compared with what is there; may be left out."
    )


@router.post(
    "",
    operation_id="begin_direct_upload",
    summary="Begin an upload straight into the bucket",
    status_code=status.HTTP_201_CREATED,
    responses=problem_answers(
        *_ANY,
        RefusalCode.UNSUPPORTED_EXTENSION,
        RefusalCode.FILE_EMPTY,
        RefusalCode.TOO_LARGE,
        RefusalCode.INVALID_TITLE,
        RefusalCode.INVALID_METADATA,
        RefusalCode.INVALID_IDEMPOTENCY_KEY,
        RefusalCode.IDEMPOTENCY_KEY_REUSED,
        RefusalCode.UPLOAD_GONE,
        RefusalCode.UPLOAD_LOCKED,
        ErrorCode.UNKNOWN_PROFILE,
    )
    | answer_headers(status.HTTP_201_CREATED),
)
async def begin_direct_upload(
    wanted: DirectUploadRequest,
    response: Response,
    caller: CallerDep,
    direct: DirectDep,
    idempotency_key: IdempotencyKeyDep,
) -> DirectUploadView:
    """Answers an address for each part. Put them in any order, several at a time, each as often as it takes.

    With the `Idempotency-Key` of an upload that was declared in the same words, the parts of that one.
    """
    begun = await direct.begin(
        caller.user_id,
        idempotency_key,
        filename=wanted.filename,
        length=wanted.size_bytes,
        title=wanted.title,
        profile=wanted.profile,
        user_metadata=wanted.metadata,
    )
    tell(response, f"/api/v1/videos/{begun.video_id}", replayed=begun.replayed)
    return DirectUploadView.model_validate(begun, from_attributes=True)


@_completing.post(
    "/{video_id}/complete",
    operation_id="complete_direct_upload",
    summary="Complete an upload into the bucket",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problem_answers(
        *_ANY,
        RefusalCode.VIDEO_NOT_FOUND,
        RefusalCode.PARTS_MISMATCH,
        RefusalCode.UPLOAD_GONE,
        RefusalCode.UPLOAD_LOCKED,
        RefusalCode.UPLOAD_WITHDRAWN,
    ),
)
async def complete_direct_upload(
    done: DirectUploadCompletion, caller: CallerDep, direct: DirectDep, video_id: VideoId
) -> VideoAccepted:
    """Once every part is there. What was declared is compared with what arrived; then the processing starts."""
    await direct.complete(caller.user_id, video_id, {part.number: part.etag for part in done.parts})
    return VideoAccepted(
        video_id=video_id,
        status=VideoStatus.PROCESSING,
        message="Video upload accepted, processing started",
    )


router.include_router(_completing)
