"""How far running videos are, told to all who listen by one look at each."""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final
from uuid import UUID

from database.events import Events
from database.tables import Video
from events.messages import Message, Topic
from runs.protocol import Runs
from runs.records import LiveProgress, TemporalUnavailable

_MOST_VIDEOS: Final = 200
"""Looked at in a round, beside those that a stream names. Users take turns in being begun, and so they do here."""

_AT_ONCE: Final = 8

_TELL_AGAIN_SECONDS: Final = 10.0
"""So often what has not changed is told: who has only come hears of it, and a page hears that it is still told."""


class ProgressLooks:
    """Looks at the videos that somebody listens to.

    Args:
        events: Knows which of them run.
        runs: Knows how far.
        clock: Seconds.
        most_videos: As many are looked at in a round, beside those that a stream names.
    """

    def __init__(
        self,
        events: Events,
        runs: Runs,
        clock: Callable[[], float] = time.monotonic,
        *,
        most_videos: int = _MOST_VIDEOS,
    ) -> None:
        self._events = events
        self._runs = runs
        self._clock = clock
        self._most_videos = most_videos
        self._told: dict[UUID, tuple[LiveProgress, float]] = {}

    async def look(self, topics: Collection[Topic]) -> list[Message]:
        """What has changed since the last look, or was told long ago; nothing of those that can't be looked at now.

        Raises:
            DatabaseUnavailable: Which videos run is not known.
        """
        video_ids = {topic.video_id for topic in topics if topic.video_id is not None}
        users = {topic.user_id for topic in topics if topic.video_id is None}
        user_ids = None if None in users else {user for user in users if user is not None}
        videos = await self._events.running(user_ids=user_ids, video_ids=video_ids, limit=self._most_videos)
        places = asyncio.Semaphore(_AT_ONCE)

        async def look_at(video: Video) -> LiveProgress | None:
            async with places:
                try:
                    return await self._runs.progress(str(video.id))
                except TemporalUnavailable:
                    return None

        looks = zip(videos, await asyncio.gather(*map(look_at, videos)), strict=True)
        seen = [(video, live) for video, live in looks if live is not None]
        now, told = self._clock(), self._told
        due = [(video, live) for video, live in seen if not _is_told(told.get(video.id), live, now)]
        self._told = {video.id: told.get(video.id, (live, now)) for video, live in seen}
        self._told.update({video.id: (live, now) for video, live in due})
        return [Message.of_progress(video, live) for video, live in due]


def _is_told(told: tuple[LiveProgress, float] | None, live: LiveProgress, now: float) -> bool:
    return told is not None and told[0] == live and now - told[1] < _TELL_AGAIN_SECONDS
