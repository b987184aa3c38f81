"""Events of the api, as they happen, over every break."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

from cli.api_client import ApiClient, ApiRefused, ApiUnreachable

_PATH: Final = "/api/v1/events"
_AGAIN_SECONDS: Final = 1.0
_PASSING: Final = frozenset({"too_many_listeners", "database_unavailable"})


@dataclass(frozen=True)
class Happening:
    """Something that happened.

    Attributes:
        id: Of the event; None of what is of the moment.
        type: Its name.
        video: The video as it was then; empty where it is about none.
    """

    id: int | None
    type: str
    video: dict[str, Any]


async def happenings(
    api: ApiClient, *, on_begun: Callable[[], None], on_broken: Callable[[str], None]
) -> AsyncIterator[Happening]:
    """Whatever happens from now on, until the caller stops. A stream that ends, or breaks, is gone on with.

    Args:
        api: Who tells.
        on_begun: Called once, from when on nothing is missed.
        on_broken: Called with the reason where the stream broke.

    Raises:
        ApiRefused: The api does not tell this caller.
        ApiUnreachable: There was no api at the beginning.
    """
    last_id, has_begun = "", False
    while True:
        try:
            async for frame in _frames(api.lines(_PATH, {"Last-Event-ID": last_id} if last_id else {})):
                if not has_begun:
                    has_begun = True
                    on_begun()
                last_id = frame.get("id", last_id)
                if "data" in frame:
                    number = int(frame["id"]) if "id" in frame else None
                    yield Happening(number, frame.get("event", "message"), json.loads(frame["data"]))
        except (ApiRefused, ApiUnreachable) as failure:
            if not has_begun or (isinstance(failure, ApiRefused) and failure.code not in _PASSING):
                raise
            on_broken(str(failure))
        await asyncio.sleep(_AGAIN_SECONDS)


async def _frames(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, str]]:
    """The fields of each frame, by name; every one of ours stands in one line."""
    frame: dict[str, str] = {}
    async for line in lines:
        if line:
            name, _, value = line.partition(": ")
            frame[name] = value
        else:
            yield frame
            frame = {}
