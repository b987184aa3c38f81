"""The api's answers, as far as the commands show them; what the api adds later is passed over."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from contracts.status import VideoStatus
from runs.records import StepState


class Accepted(BaseModel):
    """A video that a request set on its way."""

    video_id: UUID
    status: VideoStatus
    message: str


class WarningView(BaseModel):
    """What did not come through as it was, though the video is ready."""

    code: str
    message: str


class VideoView(BaseModel):
    """One video."""

    id: UUID
    title: str
    metadata: dict[str, str] = {}
    profile: str
    status: VideoStatus
    file_size_bytes: int
    original_filename: str
    content_sha256: str | None = None
    url_mp4: str | None = None
    thumbnail: str | None = None
    duration_seconds: float | None = None
    width: int | None = None
    height: int | None = None
    error_code: str | None = None
    error_reason: str | None = None
    warnings: list[WarningView]
    attempt: int
    workflow_id: str
    created_at: datetime
    updated_at: datetime
    step: str | None = None
    progress: float | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more happens to it unless somebody asks."""
        return self.status in (VideoStatus.READY, VideoStatus.ERROR)


class VideoPage(BaseModel):
    """Some videos, newest first."""

    items: list[VideoView]
    next_cursor: str | None


class StepFailureView(BaseModel):
    """Why an attempt of a step failed."""

    code: str
    message: str


class StepView(BaseModel):
    """One activity of the newest run."""

    activity: str
    activity_id: str
    summary: str
    state: StepState
    attempts: int
    started_at: datetime | None
    duration_seconds: float | None
    worker: str | None
    last_failure: StepFailureView | None


class StepList(BaseModel):
    """The steps of a run, in the order in which they began."""

    steps: list[StepView]


class QueueView(BaseModel):
    """One task queue."""

    name: str
    backlog: int
    pollers: list[str]


class TemporalView(BaseModel):
    """Where Temporal is."""

    address: str
    namespace: str
    reachable: bool
    ui_url: str | None = None


class VersionsView(BaseModel):
    """What runs."""

    rushes: str
    temporal: str | None = None


class ProfileView(BaseModel):
    """An encoding profile that an upload may ask for."""

    name: str
    is_default: bool


class SystemView(BaseModel):
    """How the whole service stands."""

    videos: dict[VideoStatus, int]
    queues: list[QueueView] | None
    temporal: TemporalView
    versions: VersionsView
    profiles: list[ProfileView]


class WebhookView(BaseModel):
    """Where events are sent."""

    id: UUID
    url: str
    event_types: list[str]
    is_enabled: bool
    disabled_reason: str | None = None
    secret: str | None = None
