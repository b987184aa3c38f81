"""``POST /api/v1/videos/{id}/reprocess``: a ready video is made anew, and stays as it is until that is done."""

from typing import Annotated

from fastapi import APIRouter, Body, status
from pydantic import BaseModel, ConfigDict, Field

from api.authentication import CallerDep
from api.openapi import problem_answers
from api.problems import ProblemCode
from api.schemas import VideoAccepted
from api.services import ActionsDep, OptionsDep, VideoDep
from api.small_body import SmallBodyRoute
from contracts.errors import ErrorCode
from contracts.refusals import RefusalCode
from contracts.status import VideoStatus

router = APIRouter(prefix="/api/v1/videos", tags=["videos"], route_class=SmallBodyRoute)


class ReprocessRequest(BaseModel):
    """How a video is to be made anew."""

    model_config = ConfigDict(extra="forbid")

    profile: str | None = Field(
        default=None,
        max_length=40,
        description="Name of an encoding profile; null for the one that the video has.",
        examples=["mobile"],
    )


@router.post(
    "/{video_id}/reprocess",
    operation_id="reprocess_video",
    summary="Make a ready video anew, with a profile",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problem_answers(
        RefusalCode.VIDEO_NOT_FOUND,
        ProblemCode.INVALID_REQUEST,
        RefusalCode.NOT_REPROCESSABLE,
        RefusalCode.QUOTA_EXCEEDED,
        ErrorCode.UNKNOWN_PROFILE,
        ErrorCode.ORIGINAL_MISSING,
        ErrorCode.STORAGE_FAILED,
        ErrorCode.DATABASE_UNAVAILABLE,
    ),
)
async def reprocess_video(
    video: VideoDep,
    actions: ActionsDep,
    options: OptionsDep,
    caller: CallerDep,
    wanted: Annotated[ReprocessRequest | None, Body()] = None,
) -> VideoAccepted:
    """From the uploaded file. What is published stays and plays until the new files are ready, and if that fails.

    `step` and `progress` tell how far it is, `reprocess_error_code` why it failed. `POST …/cancel` ends it.
    """
    profile = options.limits.checked_profile((wanted.profile if wanted else None) or video.profile)
    begun = await actions.reprocess(video, profile, counts=caller.user_id == video.user_id)
    return VideoAccepted(
        video_id=begun.id,
        status=VideoStatus(begun.status),
        message="Video reprocessing accepted, what is published stays until it is done",
    )
