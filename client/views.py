"""The api's answers about videos: what is added later is passed over, and what is not told yet has a default."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from contracts.status import CohortStatus, StepState, VideoStatus, Visibility


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
    user_id: str = ""
    title: str
    metadata: dict[str, str] = {}
    visibility: Visibility = Visibility.PRIVATE
    profile: str
    status: VideoStatus
    file_size_bytes: int | None
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
    published_edition: int = 0
    reprocess_profile: str | None = None
    reprocess_error_code: str | None = None
    reprocess_error_reason: str | None = None
    attempt: int
    workflow_id: str
    created_at: datetime
    updated_at: datetime
    step: str | None = None
    progress: float | None = None
    step_attempt: int | None = None
    step_failure: str | None = None
    speed: float | None = None
    time_left_seconds: float | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more happens to it unless somebody asks."""
        return self.status in (VideoStatus.READY, VideoStatus.ERROR) and not self.is_reprocessing

    @property
    def is_reprocessing(self) -> bool:
        """Whether it is ready, and being made anew."""
        is_asked_for = self.reprocess_profile is not None and self.reprocess_error_code is None
        return self.status is VideoStatus.READY and is_asked_for


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
    queue: str
    scheduled_at: datetime
    started_at: datetime | None
    duration_seconds: float | None
    worker: str | None
    last_failure: StepFailureView | None


class CohortAccepted(BaseModel):
    """Videos that are retried, or made anew, together."""

    cohort_id: str | None
    total: int


class CohortView(BaseModel):
    """How far they are, or were when that ended; an older api tells no status."""

    in_words: str = ""
    total: int
    retried: int
    passed_over: int
    status: CohortStatus | None = None
    is_paused: bool
    is_done: bool

    @property
    def is_over(self) -> bool:
        """Whether no more of them are begun: all were, or it was ended before."""
        return self.is_done or self.status not in {None, CohortStatus.RUNNING, CohortStatus.PAUSED}


class CohortSummary(BaseModel):
    """Some of them, among others."""

    cohort_id: str
    in_words: str
    status: str
    started_at: datetime


class CohortList(BaseModel):
    """The same, newest first."""

    items: list[CohortSummary]


class FileView(BaseModel):
    """What a file is."""

    container: str
    size_bytes: int
    duration_seconds: float
    picture_codec: str
    width: int
    height: int
    frame_rate: float | None
    sound_codec: str | None


class StepList(BaseModel):
    """The steps of a run, in the order in which they began, what was planned, and both files."""

    steps: list[StepView]
    plan: str | None = None
    before: FileView | None = None
    after: FileView | None = None


class LinkView(BaseModel):
    """A link to one video. Whoever has it may play the video until it expires."""

    url_mp4: str
    thumbnail: str
    expires_at: datetime
