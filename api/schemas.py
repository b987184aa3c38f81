"""The api's answers: what ``/docs`` shows, and what clients may rely on."""

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import BaseModel, Field

from contracts.metadata import LONGEST_KEY, LONGEST_VALUE, MOST_BYTES, MOST_KEYS
from contracts.processing import Step
from contracts.status import VideoStatus, Visibility
from contracts.temporal_names import workflow_id
from database.tables import Video
from database.videos import VideoPage
from runs.records import LiveProgress, QueueState, RunRecord, StepRecord, StepState

_VIDEO_ID: Final = "0b7f4a52-6f0c-4a53-9d5e-2f1f0c7f6a11"
_PROCESSED: Final = f"/uploads/processed/{_VIDEO_ID}"

_VIDEO: Final[dict[str, Any]] = {
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
    "attempt": 1,
    "workflow_id": f"video-{_VIDEO_ID}",
    "created_at": "2026-03-01T09:30:00Z",
    "updated_at": "2026-03-01T09:30:21Z",
    "step": None,
    "progress": None,
    "step_attempt": None,
    "speed": None,
}

EXAMPLES: Final[dict[str, list[Any]]] = {
    "VideoAccepted": [
        {"video_id": _VIDEO_ID, "status": "processing", "message": "Video upload accepted, processing started"}
    ],
    "VideoView": [_VIDEO],
    "VideoList": [{"items": [_VIDEO], "next_cursor": None}],
}
"""Of whole answers, by the name of their schema."""


METADATA_DESCRIPTION: Final = (
    f"What you keep with the video: a JSON object of at most {MOST_KEYS} texts, {MOST_BYTES // 1024} KiB in all. "
    f"It comes back in every answer; keys have at most {LONGEST_KEY} characters, values {LONGEST_VALUE}."
)
Metadata = Annotated[dict[str, str], Field(description=METADATA_DESCRIPTION, examples=[{"order": "4711"}])]


class VideoAccepted(BaseModel):
    """The video that a request set on its way."""

    video_id: UUID = Field(description="Its id, in every other address.")
    status: VideoStatus = Field(description="Where it stands now.")
    message: str = Field(description="The same, for people.")


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
    file_size_bytes: int = Field(description="Size of the uploaded file, in bytes; 0 until it has arrived.")
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
    attempt: int = Field(description="1 for the upload, one more for each retry.")
    workflow_id: str = Field(description="Id of its workflow in Temporal.")
    created_at: datetime
    updated_at: datetime
    step: Step | None = Field(default=None, description="While processing: the step that runs.")
    progress: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="While processing: how much of the way is done, 0 to 1."
    )
    step_attempt: int | None = Field(default=None, description="While processing: how often the step was begun.")
    speed: float | None = Field(
        default=None, description="While encoding: seconds of video that are made in a second, by all workers together."
    )

    @classmethod
    def of(cls, video: Video, live: LiveProgress | None = None) -> Self:
        """The row, and where it is being processed how far it is."""
        row = {name: getattr(video, name) for name in cls.model_fields if hasattr(video, name)}
        return cls(
            **row | {"metadata": video.user_metadata},
            workflow_id=workflow_id(str(video.id)),
            step=live.step if live else None,
            progress=min(max(live.fraction, 0.0), 1.0) if live else None,
            step_attempt=live.attempt if live else None,
            speed=live.speed if live else None,
        )


class VideoList(BaseModel):
    """A page of videos, newest first."""

    items: list[VideoView]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last one.")

    @classmethod
    def of(cls, page: VideoPage) -> Self:
        """The page."""
        return cls(
            items=[VideoView.of(video) for video in page.videos],
            next_cursor=page.next_cursor.encode() if page.next_cursor else None,
        )


class StepFailureView(BaseModel):
    """Why an attempt of a step failed."""

    code: str = Field(description="A stable name where the reason is ours.", examples=["transcode_failed"])
    message: str = Field(description="A sentence.", examples=["ffmpeg ended with exit status 1."])


class StepView(BaseModel):
    """One step of the newest run, as Temporal's history has it."""

    activity: str = Field(description="Name of the activity.", examples=["encode_chunk"])
    activity_id: str = Field(description="Its id within the run.", examples=["chunk-3-of-9"])
    summary: str = Field(description="The line that Temporal's Web UI shows.", examples=["A JPEG of one frame"])
    state: StepState
    attempts: int = Field(description="How often it was begun.", examples=[1])
    queue: str = Field(description="The task queue.", examples=["video-media"])
    scheduled_at: datetime = Field(description="When it was asked for.")
    started_at: datetime | None = Field(description="When its newest attempt began.")
    duration_seconds: float | None = Field(description="From then to its end, or until now.", examples=[8.2])
    worker: str | None = Field(description="Which worker has or had it.", examples=["video-media@host:41"])
    last_failure: StepFailureView | None = Field(description="The newest failure, also where it was overcome.")

    @classmethod
    def of(cls, step: StepRecord) -> Self:
        """The record."""
        return cls.model_validate(step, from_attributes=True)


class FileView(BaseModel):
    """What a file is."""

    container: str = Field(description="ffprobe's name of its format.", examples=["mov,mp4,m4a,3gp,3g2,mj2"])
    size_bytes: int = Field(examples=[2_814_223])
    duration_seconds: float = Field(examples=[12.48])
    picture_codec: str = Field(examples=["h264"])
    width: int = Field(description="Pixels, as displayed.", examples=[1080])
    height: int = Field(description="Pixels, as displayed.", examples=[1920])
    frame_rate: float | None = Field(description="Frames a second, on average.", examples=[29.97])
    sound_codec: str | None = Field(description="Null for a silent film.", examples=["aac"])
    channels: int | None = Field(examples=[2])
    sample_rate_hertz: int | None = Field(examples=[48_000])

    @classmethod
    def of(cls, facts: object | None) -> Self | None:
        """The facts, where there are any."""
        return cls.model_validate(facts, from_attributes=True) if facts is not None else None


class StepList(BaseModel):
    """The steps of a video's newest run, in the order in which they began."""

    video_id: UUID
    steps: list[StepView]
    plan: str | None = Field(
        description="What is made of the video, in words; null before that is known.",
        examples=["picture copied, sound encoded (the sound is opus, not aac)"],
    )
    before: FileView | None = Field(description="The uploaded file; null until it was looked at.")
    after: FileView | None = Field(description="What was made of it; null until it was verified.")

    @classmethod
    def of(cls, video_id: UUID, record: RunRecord) -> Self:
        """What the run did."""
        return cls(
            video_id=video_id,
            steps=[StepView.of(step) for step in record.steps],
            plan=record.plan,
            before=FileView.of(record.before),
            after=FileView.of(record.after),
        )


class QueueView(BaseModel):
    """One task queue."""

    name: str = Field(examples=["video-media"])
    backlog: int = Field(description="Tasks that wait for a worker.", examples=[0])
    pollers: list[str] = Field(description="Workers that asked for work lately.", examples=[["video-media@host:41"]])

    @classmethod
    def of(cls, queue: QueueState) -> Self:
        """The queue."""
        return cls(name=queue.name, backlog=queue.backlog, pollers=list(queue.pollers))


class Versions(BaseModel):
    """What runs."""

    rushes: str = Field(examples=["0.1.0"])
    temporal: str | None = Field(description="Null while Temporal does not answer.", examples=["1.32.0"])


class Limits(BaseModel):
    """What an upload may be."""

    allowed_extensions: list[str] = Field(examples=[[".mp4", ".mov", ".avi"]])
    max_upload_bytes: int = Field(examples=[524_288_000])


class ProfileView(BaseModel):
    """One encoding profile."""

    name: str = Field(description="By which an upload asks for it.", examples=["web"])
    description: str = Field(description="For people who choose.", examples=["Plays in every browser."])
    is_default: bool = Field(description="Whether an upload gets it that names none.", examples=[True])


class TemporalView(BaseModel):
    """Where Temporal is."""

    address: str = Field(examples=["127.0.0.1:7233"])
    namespace: str = Field(examples=["default"])
    reachable: bool
    ui_url: str | None = Field(description="Its Web UI, where known.", examples=["http://127.0.0.1:8233"])


class SystemView(BaseModel):
    """How the whole service stands."""

    videos: dict[VideoStatus, int] = Field(
        description="How many videos are in each status.",
        examples=[{"uploading": 0, "processing": 1, "ready": 12, "error": 2}],
    )
    queues: list[QueueView] | None = Field(description="Null while Temporal does not answer.")
    temporal: TemporalView
    versions: Versions
    limits: Limits
    profiles: list[ProfileView] = Field(description="What an upload may ask for, by name.")


class Health(BaseModel):
    """The process lives."""

    status: str = Field(examples=["ok"])


class Readiness(BaseModel):
    """What the service needs, and whether it is there."""

    status: str = Field(description="`ready`, or `degraded` while videos wait for Temporal.", examples=["ready"])
    checks: dict[str, str] = Field(
        description="Each dependency: `ok`, or what is wrong with it.",
        examples=[{"database": "ok", "storage": "ok", "temporal": "ok"}],
    )
