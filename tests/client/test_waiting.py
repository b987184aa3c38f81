"""Waiting outlasts an api that is away, and needs no events."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from client.errors import CONNECTION_LOST, UNREACHABLE, RushesError
from client.listening import Event
from client.views import VideoView
from client.waiting import Waiting
from contracts.status import VideoStatus

NOW = datetime.now(UTC)
STATUSES = {
    UNREACHABLE: None,
    CONNECTION_LOST: None,
    "database_unavailable": 503,
    "http_502": 502,
    "video_not_found": 404,
}


def video(status: VideoStatus) -> VideoView:
    """In this status."""
    return VideoView(
        id=uuid4(),
        title="A clip",
        profile="web",
        status=status,
        file_size_bytes=7,
        original_filename="clip.mp4",
        warnings=[],
        attempt=1,
        workflow_id="video-1",
        created_at=NOW,
        updated_at=NOW,
    )


class Api:
    """Answers as it was told, one after the other."""

    def __init__(self, *answers: VideoStatus | str) -> None:
        self._answers = list(answers)
        self.looked = 0

    async def look(self) -> VideoView:
        self.looked += 1
        answer = self._answers.pop(0)
        if isinstance(answer, VideoStatus):
            return video(answer)
        raise RushesError(answer, "No.", status=STATUSES[answer])

    async def nothing(self, _begun: Callable[[], None]) -> AsyncIterator[Event]:
        """No stream can be had."""
        for event in self._events():
            yield event

    def _events(self) -> Iterator[Event]:
        raise RushesError("too_many_listeners", "No.", status=503)

    async def silence(self, begun: Callable[[], None]) -> AsyncIterator[Event]:
        """A stream that says that the video is ready when it is not, and nothing more."""
        begun()
        yield Event(1, "video.ready", video(VideoStatus.READY).model_dump(mode="json"))
        yield Event(2, "video.retried", video(VideoStatus.PROCESSING).model_dump(mode="json"))
        yield Event(3, "video.ready", video(VideoStatus.READY).model_dump(mode="json"))
        await asyncio.Event().wait()


async def test_an_api_that_is_away_or_can_not_answer_for_a_moment_is_waited_for() -> None:
    away = (CONNECTION_LOST, UNREACHABLE, "http_502", "database_unavailable")
    api = Api(VideoStatus.PROCESSING, *away, VideoStatus.READY)
    seen: list[VideoView] = []
    settled = await Waiting(api.look, api.nothing, poll_seconds=0.01).settled(seen.append)
    assert (settled.status, [one.status for one in seen]) == (VideoStatus.READY, [VideoStatus.PROCESSING])


async def test_what_counts_is_what_is_so_and_not_what_an_event_said_was_so() -> None:
    api = Api(*[VideoStatus.PROCESSING] * 4, VideoStatus.READY)
    settled = await Waiting(api.look, api.silence).settled(lambda _: None)
    assert (settled.status, api.looked) == (VideoStatus.READY, 5)


async def test_a_video_that_is_gone_ends_the_wait() -> None:
    api = Api(VideoStatus.PROCESSING, "video_not_found")
    with pytest.raises(RushesError, match="video_not_found"):
        await Waiting(api.look, api.nothing, poll_seconds=0.01).settled(lambda _: None)
