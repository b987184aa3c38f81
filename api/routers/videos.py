"""``/api/v1/videos``: what is there, how far it is, and what may be done with it."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Query, status

from api.authentication import CallerDep
from api.openapi import problem_answers
from api.problems import Problem, ProblemCode
from api.schemas import StepList, VideoAccepted, VideoList
from api.services import ActionsDep, ServicesDep, VideoDep
from api.video_filter import METADATA_PARAMETER, VideoFilterDep
from contracts.errors import ErrorCode
from contracts.refusals import RefusalCode
from contracts.status import VideoStatus
from database.videos import PageCursor
from events.video_view import VideoView
from runs.records import TemporalUnavailable

router = APIRouter(prefix="/api/v1/videos", tags=["videos"])

_ONE_VIDEO = (RefusalCode.VIDEO_NOT_FOUND, ProblemCode.INVALID_REQUEST, ErrorCode.DATABASE_UNAVAILABLE)

_audit = structlog.stdlib.get_logger("audit")
_logger = structlog.stdlib.get_logger(__name__)


@router.get(
    "",
    operation_id="list_videos",
    summary="List videos, newest first",
    openapi_extra=METADATA_PARAMETER,
    responses=problem_answers(
        ProblemCode.INVALID_REQUEST,
        ProblemCode.INVALID_CURSOR,
        RefusalCode.INVALID_METADATA,
        ErrorCode.DATABASE_UNAVAILABLE,
    ),
)
async def list_videos(
    services: ServicesDep,
    caller: CallerDep,
    wanted: VideoFilterDep,
    limit: Annotated[int, Query(ge=1, le=100, description="Most videos on the page.")] = 20,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> VideoList:
    """Those that fit everything that is asked for.

    Pages stay right while videos are added: a cursor names a place in the list, not a number of rows.
    """
    try:
        after = PageCursor.decode(cursor) if cursor is not None else None
    except ValueError as error:
        raise Problem(ProblemCode.INVALID_CURSOR, "Take the cursor from next_cursor, as it is.") from error
    return VideoList.of(await services.videos.list_page(caller.sees, limit=limit, after=after, wanted=wanted))


@router.get("/{video_id}", operation_id="get_video", summary="Read one video", responses=problem_answers(*_ONE_VIDEO))
async def get_video(video: VideoDep, services: ServicesDep) -> VideoView:
    """While it is being processed, or made anew, also the step, and how much of the way is done."""
    live = None
    if video.status == VideoStatus.PROCESSING or video.is_reprocessing:
        try:
            live = await services.runs.progress(str(video.id))
        except TemporalUnavailable as error:
            _logger.warning("progress unknown", reason=str(error))
    return VideoView.of(video, live)


@router.get(
    "/{video_id}/steps",
    operation_id="get_video_steps",
    summary="Read the steps of a video's newest run",
    responses=problem_answers(*_ONE_VIDEO, ProblemCode.TEMPORAL_UNAVAILABLE),
)
async def get_video_steps(video: VideoDep, services: ServicesDep) -> StepList:
    """Each activity from Temporal's history: state, attempts, times, failure, worker. Beside them plan and files."""
    return StepList.of(video.id, await services.runs.record(str(video.id)))


@router.post(
    "/{video_id}/cancel",
    operation_id="cancel_video",
    summary="Cancel an upload or a running video",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problem_answers(*_ONE_VIDEO, RefusalCode.NOT_CANCELLABLE),
)
async def cancel_video(video: VideoDep, services: ServicesDep, actions: ActionsDep, caller: CallerDep) -> VideoAccepted:
    """After 202 the video ends in `error` with the code `cancelled`, once its running step has stopped.

    One that is made anew stays `ready`, as it was; `reprocess_error_code` is then `cancelled`.
    """
    await actions.cancel(video)
    _audit.info("video cancelled", user_id=caller.user_id, owner=video.user_id)
    now = await services.videos.get(video.id, caller.sees)
    return VideoAccepted(
        video_id=video.id,
        status=VideoStatus(now.status if now else VideoStatus.ERROR),
        message="Video cancellation accepted",
    )


@router.post(
    "/{video_id}/retry",
    operation_id="retry_video",
    summary="Process a failed video once more",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problem_answers(
        *_ONE_VIDEO,
        RefusalCode.NOT_RETRYABLE,
        RefusalCode.NOT_REPROCESSABLE,
        RefusalCode.QUOTA_EXCEEDED,
        ErrorCode.ORIGINAL_MISSING,
        ErrorCode.STORAGE_FAILED,
    ),
)
async def retry_video(video: VideoDep, actions: ActionsDep) -> VideoAccepted:
    """Starts from the uploaded file, which is kept. One that is ready and could not be made anew is so once more."""
    retried = await actions.retry(video)
    return VideoAccepted(
        video_id=retried.id, status=VideoStatus(retried.status), message="Video retry accepted, processing started"
    )


@router.delete(
    "/{video_id}",
    operation_id="delete_video",
    summary="Delete a video and its files",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_answers(*_ONE_VIDEO),
)
async def delete_video(video: VideoDep, actions: ActionsDep, caller: CallerDep) -> None:
    """Nobody sees it any more; its processing is stopped and its files are removed, however long that takes."""
    await actions.delete(video)
    _audit.info("video deleted", user_id=caller.user_id, owner=video.user_id)
