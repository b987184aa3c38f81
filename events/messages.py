"""An event on its way to listeners: made once, and shared by all of them."""

from dataclasses import dataclass
from typing import Self
from uuid import UUID

from contracts.event_types import EventType
from database.events import StoredEvent
from database.tables import Video
from events.video_view import VideoView
from runs.records import LiveProgress


@dataclass(frozen=True)
class Message:
    """What a listener is sent.

    Attributes:
        id: Of the event, by which a listener resumes; None of what is of the moment.
        type: Name of what happened.
        user_id: Whose video it is.
        video_id: Of the video.
        body: The video, as JSON.
    """

    id: int | None
    type: str
    user_id: str
    video_id: UUID
    body: str

    @classmethod
    def of_event(cls, event: StoredEvent) -> Self:
        """A change of a row."""
        body = VideoView.of_event(event).model_dump_json()
        return cls(event.id, event.type, event.user_id, event.video_id, body)

    @classmethod
    def of_progress(cls, video: Video, live: LiveProgress) -> Self:
        """How far a running video is."""
        body = VideoView.of(video, live).model_dump_json()
        return cls(None, EventType.PROGRESS, video.user_id, video.id, body)


@dataclass(frozen=True)
class Topic:
    """What somebody listens to.

    Attributes:
        user_id: Videos of this user, or None for everybody's.
        video_id: This video alone, or None for all.
    """

    user_id: str | None = None
    video_id: UUID | None = None

    def has(self, message: Message) -> bool:
        """Whether the message is about it."""
        return self.user_id in {None, message.user_id} and self.video_id in {None, message.video_id}
