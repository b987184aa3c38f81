"""Ready videos that are made anew while everything is harmed, and watched all the while."""

import asyncio
import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from contracts.errors import ErrorCode
from contracts.event_types import EventType
from contracts.status import VideoStatus
from database.events import StoredEvent
from database.tables import Video
from tests.fixtures.senders import Sender

_PROFILE: Final = "mobile"
_PAUSE_SECONDS: Final = 0.2
_WATCHED_SECONDS: Final = 600.0
"""Whether it is stuck then is said by who counts."""

_PUBLISHED: Final = (EventType.READY, EventType.REPROCESSED)
_ENDS: Final = (EventType.REPROCESSED, EventType.REPROCESS_FAILED)


class Making(StrEnum):
    """What becomes of one."""

    FINISHED = "made anew"
    CANCELLED = "cancelled while made anew"
    DELETED = "deleted while made anew"


@dataclass
class MadeAnew:
    """A video that was ready, what was asked for it, and what its viewer had meanwhile.

    Attributes:
        wanted: What was meant to become of it.
        cancel_held: Whether a cancel was accepted.
        looks: How often its viewer looked.
        seen: SHA-256 of what was served, each with the edition that the row named before and after; None where it
            named another then.
        wrong: What its viewer had not to meet, in sentences.
    """

    wanted: Making
    cancel_held: bool = False
    looks: int = 0
    seen: set[tuple[int | None, str]] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


class MakingAnew:
    """Has a video made anew, and watches it.

    Args:
        sender: Who asks.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def run(self, video_id: str, made: MadeAnew) -> None:
        """Ask, and watch until nothing makes it any more."""
        asked = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(video_id, made, asked))
            await self._sender.post(f"/api/v1/videos/{video_id}/reprocess", {"profile": _PROFILE})
            asked.set()
            if made.wanted == Making.FINISHED:
                return
            await self._begun(video_id)
            if made.wanted == Making.CANCELLED:
                made.cancel_held = await self._sender.post(f"/api/v1/videos/{video_id}/cancel")
            else:
                await self._sender.delete(video_id)

    async def _begun(self, video_id: str) -> None:
        """Return in the midst of it, or where that was missed."""
        deadline = time.monotonic() + _WATCHED_SECONDS
        while (row := await self._sender.video(video_id)) is not None and _is_reprocessing(row):
            if row["step"] is not None or time.monotonic() > deadline:
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _watch(self, video_id: str, made: MadeAnew, asked: asyncio.Event) -> None:
        deadline = time.monotonic() + _WATCHED_SECONDS
        while time.monotonic() < deadline:
            was_asked = asked.is_set()
            before = await self._sender.video(video_id)
            if before is None:
                return
            if before["status"] != VideoStatus.READY:
                made.wrong.append(f"it was in {before['status']}")
                return
            edition = before["published_edition"]
            contents = [await self._sender.published(before["url_mp4"], asked_for) for asked_for in (None, edition)]
            after = await self._sender.video(video_id)
            if after is None:
                return
            named = edition if after["published_edition"] == edition else None
            _note(made, named, contents)
            if was_asked and not _is_reprocessing(before):
                return
            await asyncio.sleep(_PAUSE_SECONDS)


def _is_reprocessing(row: dict[str, Any]) -> bool:
    return row["reprocess_profile"] is not None and row["reprocess_error_code"] is None


def _note(made: MadeAnew, edition: int | None, contents: Sequence[bytes | None]) -> None:
    made.looks += 1
    for content in contents:
        if content is not None:
            made.seen.add((edition, hashlib.sha256(content).hexdigest()))
        elif edition is not None:
            made.wrong.append(f"edition {edition} was not served")


def wrong_with(made: MadeAnew, row: Video | None, events: Sequence[StoredEvent]) -> list[str]:
    """What is not as it has to be, in sentences.

    Args:
        made: What was asked and seen.
        row: As it is once all has ended; None where there is none any more.
        events: All of this video.
    """
    return [*made.wrong, *_wrongly_served(made, events), *_wrongly_ended(made, row, events)]


def _wrongly_served(made: MadeAnew, events: Sequence[StoredEvent]) -> Iterator[str]:
    published = [event.video for event in events if event.type in _PUBLISHED]
    told = {video["published_edition"]: video["published_sha256"] for video in published}
    for edition, sha256 in made.seen:
        if sha256 not in (told.values() if edition is None else {told.get(edition)}):
            yield f"{sha256} was served as edition {edition}, of {told}"


def _wrongly_ended(made: MadeAnew, row: Video | None, events: Sequence[StoredEvent]) -> Iterator[str]:
    begun = [event.video["attempt"] for event in events if event.type == EventType.REPROCESSING]
    ends = [event for event in events if event.type in _ENDS]
    ended = [event.video["attempt"] for event in ends]
    if not begun:
        yield "it was never begun"
    if ended != (begun if row is not None else begun[: len(ended)]):
        yield f"of the attempts {begun} ended {ended}"
    for event in ends:
        yield from _wrongly_told(made, event)
    if row is None or not ends:
        return
    last = ends[-1].video
    for name in ("published_edition", "published_sha256", "profile", "reprocess_error_code"):
        if getattr(row, name) != last[name]:
            yield f"{name} is {getattr(row, name)}, and its last event said {last[name]}"
    if made.cancel_held and row.reprocess_error_code != ErrorCode.CANCELLED:
        yield "its cancel did not hold"


def _wrongly_told(made: MadeAnew, event: StoredEvent) -> Iterator[str]:
    """A good video is made anew, whatever is harmed, as it is made: nothing but its cancel is in the way."""
    told = event.video
    if event.type == EventType.REPROCESSED:
        if (told["published_edition"], told["profile"]) != (told["attempt"], _PROFILE):
            yield f"attempt {told['attempt']} made edition {told['published_edition']} by {told['profile']}"
    elif made.wanted != Making.CANCELLED or told["reprocess_error_code"] != ErrorCode.CANCELLED:
        yield f"it failed with {told['reprocess_error_code']}: {told['reprocess_error_reason']}"
    elif told["published_edition"] == told["attempt"]:
        yield f"it was cancelled, and edition {told['attempt']} is served"
