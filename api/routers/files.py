"""``/uploads/processed/…``: what is published of ready videos, and nothing else of storage."""

from enum import StrEnum
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from api.authentication import ViewerDep
from api.openapi import problem_answers
from api.problems import Problem, ProblemCode
from api.published_file import Keeping, published_file
from api.remote_file import remote_file
from api.services import LinksDep, OptionsDep, ServicesDep, VideoId
from contracts.errors import ErrorCode, WorkMissing
from contracts.status import VideoStatus, Visibility
from contracts.storage_keys import THUMBNAIL_NAME, VIDEO_NAME, processed_key
from database.editions import Edition
from database.tables import Video
from storage.protocol import RemoteFile
from threads.files import off_loop

router = APIRouter(tags=["files"])


class PublishedName(StrEnum):
    """The files that a ready video has."""

    VIDEO = VIDEO_NAME
    THUMBNAIL = THUMBNAIL_NAME


_MOST_EDITION: Final = 2**31 - 1
_MEDIA_TYPES: Final = {PublishedName.VIDEO: "video/mp4", PublishedName.THUMBNAIL: "image/jpeg"}
_CONTENT: Final[dict[str, Any]] = {
    media_type: {"schema": {"type": "string", "contentMediaType": media_type}} for media_type in _MEDIA_TYPES.values()
}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file.", "content": _CONTENT},
    206: {"description": "The asked range of it.", "content": _CONTENT},
    302: {"description": "It is in a bucket, and can be read there for a while."},
    304: {"description": "The client has it already."},
}
_PROBLEMS: Final = problem_answers(
    ProblemCode.FILE_NOT_FOUND,
    ProblemCode.RANGE_NOT_SATISFIABLE,
    ProblemCode.INVALID_REQUEST,
    ErrorCode.DATABASE_UNAVAILABLE,
    ErrorCode.STORAGE_FAILED,
)


async def _shown(  # noqa: PLR0917 # solved by FastAPI, by name
    services: ServicesDep,
    viewer: ViewerDep,
    links: LinksDep,
    video_id: VideoId,
    name: Annotated[PublishedName, Path(description="Which of its files.")],
    token: Annotated[str | None, Query(description="Of a link, as `POST /api/v1/videos/{id}/links` made it.")] = None,
) -> Video:
    video = await services.videos.get(video_id)
    if video is not None and video.status == VideoStatus.READY:
        is_seen = video.visibility == Visibility.PUBLIC or (viewer is not None and viewer.sees in {None, video.user_id})
        if is_seen or (token is not None and await links.opens(token, video_id)):
            structlog.contextvars.bind_contextvars(video_id=str(video_id))
            return video
    raise Problem(ProblemCode.FILE_NOT_FOUND, f"Video {video_id} has no published {name}.")


ShownDep = Annotated[Video, Depends(_shown)]
"""The video of the path, where it is ready and the request may see it; 404 tells nothing of why not."""


@router.get(
    "/uploads/processed/{video_id}/{name}",
    operation_id="get_published_file",
    summary="Play a video, or see its picture",
    response_class=Response,
    responses=_ANSWERS | _PROBLEMS,
)
@router.head("/uploads/processed/{video_id}/{name}", include_in_schema=False)
async def get_published_file(  # noqa: PLR0917 # solved by FastAPI, by name
    request: Request,
    services: ServicesDep,
    options: OptionsDep,
    video: ShownDep,
    name: PublishedName,
    edition: Annotated[
        int | None,
        Query(ge=0, le=_MOST_EDITION, description="`published_edition`: a player that has begun goes on with it."),
    ] = None,
) -> Response:
    """With byte ranges, so that players can seek. Only while the video is `ready`, and for those who may see it.

    Once the video was made anew, the files of before are served for some hours to whoever names their edition.
    """
    served = video.published_edition
    if edition is not None and edition != served and await services.editions.is_former(Edition(video.id, edition)):
        served = edition
    keeping = Keeping.FOR_AN_HOUR if edition == served else Keeping.COMPARED
    try:
        file = await services.storage.served(processed_key(str(video.id), name, served))
        if isinstance(file, RemoteFile):
            return await remote_file(request, file, _MEDIA_TYPES[name], options.remote_serving, keeping=keeping)
        status = await off_loop(file.path.stat)
    except (WorkMissing, FileNotFoundError) as error:
        raise Problem(ProblemCode.FILE_NOT_FOUND, f"Video {video.id} has no published {name}.") from error
    return published_file(request, file.path, status, _MEDIA_TYPES[name], keeping=keeping)
