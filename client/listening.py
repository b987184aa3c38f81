"""Events of the api, as they happen, over every break."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from client.connection import Connection
from client.errors import FOREIGN_ANSWER, RushesError
from client.views import VideoView
from contracts.event_types import EventType

_AGAIN_SECONDS: Final = 1.0
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_PASSING: Final = frozenset(
    {"too_many_listeners", "too_many_own_listeners", "database_unavailable", "http_502", "http_503", "http_504"}
)


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        id: Of the event; None of what is of the moment.
        type: Its name, one of ``EventType`` or one that a newer api has.
        data: The video as it was then, as the api tells it; empty where it is about none.
    """

    id: int | None
    type: str
    data: dict[str, Any]

    @property
    def video(self) -> VideoView | None:
        """The video as it was then, where the event is about one. Raises ``RushesError`` where it is none of ours."""
        try:
            return VideoView.model_validate(self.data) if self.data else None
        except ValidationError as error:
            raise RushesError(FOREIGN_ANSWER, f"An event {self.type} is about something that is no video.") from error


async def events(
    connection: Connection,
    path: str,
    *,
    after: int | None = None,
    on_begun: Callable[[], None] | None = None,
    on_broken: Callable[[RushesError], None] | None = None,
) -> AsyncGenerator[Event, None]:
    """Whatever happens from now on, until the caller stops. A stream that ends, or breaks, is gone on with.

    Args:
        connection: Who tells.
        path: Of the stream.
        after: Id of an event: those that came after it are told first.
        on_begun: Called once, from when on nothing is missed.
        on_broken: Called where the stream broke.

    Raises:
        RushesError: The api does not tell this caller, there was no api at the beginning, or what tells is none.
    """
    last_id, has_begun = "" if after is None else str(after), False
    while True:
        try:
            async with aclosing(_frames(connection, path, last_id)) as frames:
                async for frame in frames:
                    if not has_begun:
                        has_begun = True
                        if on_begun is not None:
                            on_begun()
                    last_id = frame.get("id", last_id)
                    if "data" in frame:
                        yield _event_of(frame)
        except RushesError as error:
            if not has_begun or not (error.is_unanswered or error.code in _PASSING):
                raise
            if on_broken is not None:
                on_broken(error)
        await asyncio.sleep(_AGAIN_SECONDS)


def ends_a_stream(event: Event) -> bool:
    """Whether nothing comes after it in a stream of one video."""
    return event.type == EventType.DELETED


def _event_of(frame: Mapping[str, str]) -> Event:
    try:
        number = int(frame["id"]) if "id" in frame else None
        data = json.loads(frame["data"])
    except ValueError as error:
        raise RushesError(FOREIGN_ANSWER, "A stream told of something that is no event of ours.") from error
    if not isinstance(data, dict):
        raise RushesError(FOREIGN_ANSWER, "A stream told of something that is no event of ours.")
    return Event(number, frame.get("event", "message"), data)


async def _frames(connection: Connection, path: str, last_id: str) -> AsyncGenerator[dict[str, str], None]:
    """The fields of each frame, by name; every one of ours stands in one line."""
    frame: dict[str, str] = {}
    async with connection.stream(path, {"Last-Event-ID": last_id} if last_id else {}) as answer:
        if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            raise RushesError(FOREIGN_ANSWER, f"{connection.base_url}{path} is no stream of events.")
        async for line in _lines(answer.aiter_bytes()):
            if line:
                name, _, value = line.decode(errors="replace").partition(": ")
                frame[name] = value
            else:
                yield frame
                frame = {}


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    r"""Lines as such streams have them: ended by \n, \r\n or \r alone. Text has other ends of lines in its midst."""
    rest, ended_by_return = b"", False
    async for chunk in chunks:
        *lines, rest = _LINE_END.split(rest + (chunk.removeprefix(b"\n") if ended_by_return else chunk))
        ended_by_return = chunk.endswith(b"\r")
        for line in lines:
            yield line
