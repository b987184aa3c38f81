"""Links that are signed: whoever has one may see a video's published files."""

from datetime import datetime, timedelta
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Body, status
from pydantic import BaseModel, ConfigDict, Field

from accounts.signing import LONGEST_LINK
from api.authentication import CallerDep
from api.openapi import problem_answers
from api.problems import Problem, ProblemCode
from api.services import LinksDep, VideoDep
from api.small_body import SmallBodyRoute
from contracts.errors import ErrorCode
from contracts.refusals import RefusalCode
from contracts.status import VideoStatus

router = APIRouter(prefix="/api/v1/videos", tags=["videos"], route_class=SmallBodyRoute)

_LONGEST_SECONDS: Final = int(LONGEST_LINK.total_seconds())
_audit = structlog.stdlib.get_logger("audit")


class LinkRequest(BaseModel):
    """How long a link is to hold."""

    model_config = ConfigDict(extra="forbid")

    expires_in_seconds: int = Field(default=3600, ge=1, le=_LONGEST_SECONDS, description="At most a week.")


class LinkView(BaseModel):
    """A link to one video. Whoever has it may play the video until it expires."""

    url_mp4: str = Field(description="Path of the video on this server.")
    thumbnail: str = Field(description="Path of its picture.")
    expires_at: datetime


_ONE_VIDEO: Final = (
    RefusalCode.VIDEO_NOT_FOUND,
    ProblemCode.INVALID_REQUEST,
    ErrorCode.DATABASE_UNAVAILABLE,
)


@router.post(
    "/{video_id}/links",
    operation_id="make_link",
    summary="Make a link that plays a private video",
    status_code=status.HTTP_201_CREATED,
    responses=problem_answers(*_ONE_VIDEO, ErrorCode.STATUS_CONFLICT),
)
async def make_link(
    video: VideoDep, links: LinksDep, caller: CallerDep, wanted: Annotated[LinkRequest | None, Body()] = None
) -> LinkView:
    """For a player or a person without a key; for an hour where there is no body.

    It can't be taken back before it expires, but by changing the secrets.
    """
    if video.status != VideoStatus.READY:
        raise Problem(ErrorCode.STATUS_CONFLICT, f"The video is in {video.status}; a link needs one that is ready.")
    token, expires_at = await links.make(video.id, timedelta(seconds=(wanted or LinkRequest()).expires_in_seconds))
    _audit.info("link made", user_id=caller.user_id, expires_at=expires_at.isoformat())
    return LinkView(
        url_mp4=f"{video.url_mp4}?token={token}", thumbnail=f"{video.thumbnail}?token={token}", expires_at=expires_at
    )
