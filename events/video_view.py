"""A video as it is told to the outside: in every answer, event and webhook the same."""

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import BaseModel, Field, field_validator

from contracts.metadata import LONGEST_KEY, LONGEST_VALUE, MOST_BYTES, MOST_KEYS
from contracts.processing import Step
from contracts.status import VideoStatus, Visibility
from contracts.temporal_names import workflow_id
from database.events import StoredEvent
from database.tables import Video
from runs.records import LiveProgress

_VIDEO_ID: Final = "0b7f4a52-6f0c-4a53-9d5e-2f1f0c7f6a11"
_PROCESSED: Final = f"/uploads/processed/{_VIDEO_ID}"

VIDEO_EXAMPLE: Final[dict[str, Any]] = {
    "id": _VIDEO_ID,
    "user_id": "local",
    "title": "Ficus in the wind",
    "metadata": {"order": "4711"},
    "visibility": "private",
    "profile": "web",
    "status": "ready",
    "file_size_bytes": 2_814_223,
    "original_filename": "ficus.mov",
    "content_sha256": "6d3f1a0f7c8d4f1b6f6f5f1b2a0e9d8c7b6a594837261504f3e2d1c0b9a88776",
    "url_mp4": f"{_PROCESSED}/video.mp4",
    "thumbnail": f"{_PROCESSED}/thumbnail.jpg",
    "duration_seconds": 12.48,
    "width": 1080,
    "height": 1920,
    "error_code": None,
    "error_reason": None,
    "warnings": [{"code": "sound_left_out", "message": "One of the two sound tracks was left out."}],
    "published_edition": 0,
    "reprocess_profile": None,
    "reprocess_error_code": None,
    "reprocess_error_reason": None,
    "attempt": 1,
    "workflow_id": f"video-{_VIDEO_ID}",
    "created_at": "2026-03-01T09:30:00Z",
    "updated_at": "2026-03-01T09:30:21Z",
    "step": None,
    "progress": None,
    "step_attempt": None,
    "step_failure": None,
    "speed": None,
    "time_left_seconds": None,
}

METADATA_DESCRIPTION: Final = (
    f"What you keep with the video: a JSON object of at most {MOST_KEYS} texts, {MOST_BYTES // 1024} KiB in all. "
    f"It comes back in every answer; keys have at most {LONGEST_KEY} characters, values {LONGEST_VALUE}."
)
Metadata = Annotated[dict[str, str], Field(description=METADATA_DESCRIPTION, examples=[{"order": "4711"}])]


class WarningView(BaseModel):
    """What did not come through as it was, though the video is ready."""

    code: str = Field(description="A stable name.", examples=["sound_left_out"])
    message: str = Field(description="A sentence.", examples=["One of the two sound tracks was left out."])


class VideoView(BaseModel):
    """One video."""

    id: UUID
    user_id: str = Field(description="Who uploaded it.")
    title: str
    metadata: Metadata
    visibility: Visibility = Field(description="Who may see its published files.")
    profile: str = Field(description="Name of the encoding profile.")
    status: VideoStatus
    file_size_bytes: int | None = Field(description="Size of the uploaded file, in bytes; null until it has arrived.")
    original_filename: str = Field(description="What the client, or the server of an import, calls the file.")
    content_sha256: str | None = Field(description="SHA-256 of the uploaded file, in hexadecimal digits.")
    url_mp4: str | None = Field(description="Path of the published video on this server.")
    thumbnail: str | None = Field(description="Path of the published picture on this server.")
    duration_seconds: float | None = Field(description="Length of the published video.")
    width: int | None = Field(description="Pixels, as displayed.")
    height: int | None = Field(description="Pixels, as displayed.")
    error_code: str | None = Field(description="In error: why, as a stable name.")
    error_reason: str | None = Field(description="In error: why, as a sentence.")
    warnings: list[WarningView] = Field(description="When ready: what its owner should know.")
    published_edition: int = Field(
        default=0,
        description="Another number once the video was made anew. Given as `edition` with `url_mp4`, a player that has "
        "begun goes on with the same file for some hours.",
    )
    reprocess_profile: str | None = Field(
        default=None, description="Ready, and made anew: with which profile. Kept where it failed."
    )
    reprocess_error_code: str | None = Field(
        default=None, description="Ready, and could not be made anew: why, as a stable name."
    )
    reprocess_error_reason: str | None = Field(default=None, description="The same, as a sentence.")
    attempt: int = Field(description="1 for the upload, one more for each retry, and each time that it is made anew.")
    workflow_id: str = Field(description="Id of its workflow in Temporal.")
    created_at: datetime
    updated_at: datetime
    step: Step | None = Field(default=None, description="While a run makes it: the step that runs.")
    progress: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="While a run makes it: how much of the way is done, 0 to 1."
    )
    step_attempt: int | None = Field(default=None, description="While a run makes it: how often the step was begun.")
    step_failure: str | None = Field(
        default=None, description="While an import is fetched: why that failed last, as a sentence. It is tried again."
    )
    speed: float | None = Field(
        default=None, description="While encoding: seconds of video that are made in a second, by all workers together."
    )
    time_left_seconds: float | None = Field(
        default=None, description="While encoding: how long it will take at the rate so far; null until that is known."
    )

    @field_validator("file_size_bytes", mode="before")
    @classmethod
    def _known_once_it_is_here(cls, size_bytes: int | None) -> int | None:
        """A row counts from 0, and no file that was taken is empty."""
        return size_bytes or None

    @classmethod
    def of(cls, video: Video, live: LiveProgress | None = None) -> Self:
        """The row, and where it is being processed how far it is."""
        row = {name: getattr(video, name) for name in cls.model_fields if hasattr(video, name)}
        return cls(**row | {"metadata": video.user_metadata} | _told(video.id, live))

    @classmethod
    def of_event(cls, event: StoredEvent) -> Self:
        """The video as it was then. A field that is added to the view needs a default: older events lack it."""
        row = {name: value for name, value in event.video.items() if name in cls.model_fields}
        return cls.model_validate(row | _told(event.video_id, None))


def _told(video_id: UUID, live: LiveProgress | None) -> dict[str, Any]:
    """What is not in the row."""
    return {
        "workflow_id": workflow_id(str(video_id)),
        "step": live.step if live else None,
        "progress": min(max(live.fraction, 0.0), 1.0) if live else None,
        "step_attempt": live.attempt if live else None,
        "step_failure": live.failure if live else None,
        "speed": live.speed if live else None,
        "time_left_seconds": live.time_left_seconds if live else None,
    }
