"""How far running videos are, told to all who listen by one look at each."""

import asyncio
from collections.abc import Collection
from typing import Final
from uuid import UUID

from database.events import Events
from database.tables import Video
from events.messages import Message, Topic
from runs.protocol import Runs
from runs.records import LiveProgress, TemporalUnavailable

_MOST_VIDEOS: Final = 200
"""Looked at in a round. They are begun in the order in which they came, so those that run are among the first."""

_AT_ONCE: Final = 8


class ProgressLooks:
    """Looks at the videos that somebody listens to.

    Args:
        events: Knows which of them run.
        runs: Knows how far.
    """

    def __init__(self, events: Events, runs: Runs) -> None:
        self._events = events
        self._runs = runs
        self._told: dict[UUID, LiveProgress] = {}

    async def look(self, topics: Collection[Topic]) -> list[Message]:
        """What has changed since the last look; nothing of those that can't be looked at now.

        Raises:
            DatabaseUnavailable: Which videos run is not known.
        """
        video_ids = {topic.video_id for topic in topics if topic.video_id is not None}
        users = {topic.user_id for topic in topics if topic.video_id is None}
        user_ids = None if None in users else {user for user in users if user is not None}
        videos = await self._events.running(user_ids=user_ids, video_ids=video_ids, limit=_MOST_VIDEOS)
        places = asyncio.Semaphore(_AT_ONCE)

        async def look_at(video: Video) -> LiveProgress | None:
            async with places:
                try:
                    return await self._runs.progress(str(video.id))
                except TemporalUnavailable:
                    return None

        looks = zip(videos, await asyncio.gather(*map(look_at, videos)), strict=True)
        seen = [(video, live) for video, live in looks if live is not None]
        changed = [Message.of_progress(video, live) for video, live in seen if self._told.get(video.id) != live]
        self._told = {video.id: live for video, live in seen}
        return changed
