"""The api's answers: what ``/docs`` shows, and what clients may rely on."""

from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from pydantic import BaseModel, Field

from contracts.status import StepState, VideoStatus
from database.videos import VideoPage
from events.video_view import VIDEO_EXAMPLE, VideoView
from runs.records import RunRecord, StepRecord

EXAMPLES: Final[dict[str, list[Any]]] = {
    "VideoAccepted": [
        {
            "video_id": VIDEO_EXAMPLE["id"],
            "status": "processing",
            "message": "Video upload accepted, processing started",
        }
    ],
    "VideoView": [VIDEO_EXAMPLE],
    "VideoList": [{"items": [VIDEO_EXAMPLE], "next_cursor": None}],
}
"""Of whole answers, by the name of their schema."""


class VideoAccepted(BaseModel):
    """The video that a request set on its way."""

    video_id: UUID = Field(description="Its id, in every other address.")
    status: VideoStatus = Field(description="Where it stands now.")
    message: str = Field(description="The same, for people.")


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
