"""``/api/v1/events`` and ``/api/v1/videos/{id}/events``: what happens, as it happens (server-sent events)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.authentication import CallerDep
from api.openapi import problem_answers
from api.problems import ProblemCode
from api.services import HubDep, OptionsDep, VideoDep
from contracts.errors import DatabaseUnavailable, ErrorCode
from contracts.event_types import EventType
from contracts.refusals import RefusalCode
from events.listener import Listener
from events.messages import Message, Topic

router = APIRouter(prefix="/api/v1", tags=["events"])

_LONGEST_SECONDS: Final = 900.0
"""Then a client asks anew, and shows its session or key again. One whose key was revoked is let go within seconds."""

_AGAIN_MILLISECONDS: Final = 1000

_LOGGER = structlog.stdlib.get_logger(__name__)
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Events until one of the two ends it, with a comment now and then where there are none."}
}
_PROBLEMS: Final = (
    RefusalCode.TOO_MANY_LISTENERS,
    RefusalCode.TOO_MANY_OWN_LISTENERS,
    ProblemCode.INVALID_REQUEST,
    ErrorCode.DATABASE_UNAVAILABLE,
)

SeenLast = Annotated[
    int | None,
    Header(alias="Last-Event-ID", ge=0, description="Id of the event that was seen last: those after it come first."),
]
After = Annotated[int | None, Query(ge=0, description="The same, for clients that can't send the header.")]


async def _of_all(
    hub: HubDep, caller: CallerDep, last_event_id: SeenLast = None, after: After = None
) -> AsyncIterator[Listener]:
    last_seen = after if last_event_id is None else last_event_id
    async with hub.listen(Topic(user_id=caller.sees), last_seen, by=caller.user_id, key_id=caller.key_id) as listener:
        yield listener


async def _of_one(
    hub: HubDep, caller: CallerDep, video: VideoDep, last_event_id: SeenLast = None, after: After = None
) -> AsyncIterator[Listener]:
    last_seen = after if last_event_id is None else last_event_id
    async with hub.listen(Topic(video_id=video.id), last_seen, by=caller.user_id, key_id=caller.key_id) as listener:
        yield listener


@router.get(
    "/events",
    operation_id="listen_to_events",
    summary="Listen to what happens to your videos",
    response_class=EventSourceResponse,
    responses=_STREAM | problem_answers(*_PROBLEMS),
)
async def listen_to_events(
    listener: Annotated[Listener, Depends(_of_all)], options: OptionsDep
) -> AsyncIterator[ServerSentEvent]:
    """Each event's `data` is the video as it was then, as `GET /api/v1/videos/{id}` tells it.

    `video.created`, `video.uploaded`, `video.ready`, `video.error`, `video.cancelled`, `video.retried`,
    `video.reprocessing`, `video.reprocessed`, `video.reprocess_failed`, `video.updated` and `video.deleted` have ids;
    after a break `Last-Event-ID` gets those that were missed. `video.progress` is of the moment and has none. Once
    the headers are here nothing more is missed, so listen first and read the list then. `events.missed` comes where
    some after your id are kept no more: read the list again.
    """
    async for event in _told(listener, options.events.heartbeat_seconds):
        yield event


@router.get(
    "/videos/{video_id}/events",
    operation_id="listen_to_video",
    summary="Listen to what happens to one video",
    response_class=EventSourceResponse,
    responses=_STREAM | problem_answers(*_PROBLEMS, RefusalCode.VIDEO_NOT_FOUND),
)
async def listen_to_video(
    listener: Annotated[Listener, Depends(_of_one)], options: OptionsDep
) -> AsyncIterator[ServerSentEvent]:
    """As `GET /api/v1/events`. Ends after `video.deleted`."""
    async for event in _told(listener, options.events.heartbeat_seconds):
        yield event
        if event.event == EventType.DELETED:
            return


async def _told(listener: Listener, heartbeat_seconds: float) -> AsyncIterator[ServerSentEvent]:
    # An id without data is no event, but a client that breaks before the first one resumes by it.
    yield ServerSentEvent(id=str(listener.position), retry=_AGAIN_MILLISECONDS)
    if listener.has_missed:
        yield ServerSentEvent(event=EventType.MISSED, raw_data="{}")
    try:
        async for message in listener.earlier():
            yield _event(message)
    except DatabaseUnavailable as error:
        _LOGGER.warning("listener let go", reason=str(error))
        return
    ends_at = asyncio.get_running_loop().time() + _LONGEST_SECONDS
    while (left := ends_at - asyncio.get_running_loop().time()) > 0:
        try:
            async with asyncio.timeout(min(heartbeat_seconds, left)):
                next_message = await listener.next()
        except TimeoutError:
            yield ServerSentEvent(comment="nothing new")
            continue
        if next_message is None:
            return
        yield _event(next_message)


def _event(message: Message) -> ServerSentEvent:
    return ServerSentEvent(
        event=message.type, raw_data=message.body, id=str(message.id) if message.id is not None else None
    )
