"""What can happen to a video, by names that never change their meaning.

The trigger of the migrations ``0009`` and ``0015`` writes all but the last two, which are of the moment and are never
stored.
"""

from enum import StrEnum
from typing import Final

EVENTS_CHANNEL: Final = "rushes_events"
"""PostgreSQL notifies on it when events were committed."""

WEBHOOKS_CHANNEL: Final = "rushes_webhooks"
"""PostgreSQL notifies on it when some of them are to be delivered."""


class EventType(StrEnum):
    """Kinds of events."""

    CREATED = "video.created"
    UPLOADED = "video.uploaded"
    READY = "video.ready"
    ERROR = "video.error"
    CANCELLED = "video.cancelled"
    RETRIED = "video.retried"
    REPROCESSING = "video.reprocessing"
    REPROCESSED = "video.reprocessed"
    REPROCESS_FAILED = "video.reprocess_failed"
    UPDATED = "video.updated"
    DELETED = "video.deleted"
    PROGRESS = "video.progress"
    MISSED = "events.missed"


STORED_EVENTS: Final = tuple(kind for kind in EventType if kind not in {EventType.PROGRESS, EventType.MISSED})
