"""How the whole service stands, as ``/api/v1/system`` answers it."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field

from contracts.processing import Step
from contracts.status import VideoStatus
from database.overview import Lately
from database.tables import Video
from runs.records import LiveProgress, QueueState, WorkerState


class QueueView(BaseModel):
    """One task queue."""

    name: str = Field(examples=["video-media"])
    backlog: int = Field(description="Tasks that wait for a worker.", examples=[0])
    backlog_age_seconds: float = Field(description="How long the oldest of them has waited.", examples=[0.0])
    pollers: list[str] = Field(description="Workers that asked for work lately.", examples=[["video-media@host:41"]])

    @classmethod
    def of(cls, queue: QueueState) -> Self:
        """The queue."""
        return cls.model_validate(queue, from_attributes=True)


class WorkerView(BaseModel):
    """One worker process on one task queue, as it last told Temporal of itself."""

    queue: str = Field(examples=["video-media"])
    host: str = Field(description="Name of its machine or container.", examples=["host"])
    process: int = Field(description="Its process there.", examples=[41])
    label: str = Field(description="What its operator calls it; empty for none.", examples=["encoder-2"])
    version: str = Field(description="Of Rushes, or of its deployment; empty where unknown.", examples=["0.1.0"])
    busy_slots: int = Field(description="Steps that it has in hand.", examples=[1])
    free_slots: int = Field(description="How many more it would take.", examples=[1])
    started_at: datetime
    seen_at: datetime = Field(description="When it last told.")
    is_stopping: bool = Field(description="Whether it takes no more work.", examples=[False])

    @classmethod
    def of(cls, worker: WorkerState) -> Self:
        """The worker."""
        return cls.model_validate(worker, from_attributes=True)


class LatelyView(BaseModel):
    """What became of videos in the last hour."""

    ready: int = Field(description="How many became ready.", examples=[12])
    ready_seconds: float = Field(description="Their length together.", examples=[3641.5])
    failures: dict[str, int] = Field(description="How many ended in error, by code.", examples=[{"invalid_media": 2}])

    @classmethod
    def of(cls, lately: Lately) -> Self:
        """What was counted."""
        return cls.model_validate(lately, from_attributes=True)


class StorageView(BaseModel):
    """Where the files are."""

    kind: Literal["disk", "bucket"]
    free_bytes: int | None = Field(description="Of the disk; null for a bucket, and where it says nothing for 2 s.")


class RunningView(BaseModel):
    """A video that is being processed."""

    id: UUID
    user_id: str = Field(description="Who uploaded it.", examples=["local"])
    title: str = Field(examples=["Ficus in the wind"])
    created_at: datetime = Field(description="When its upload began.")
    begun_at: datetime | None = Field(default=None, description="When its newest run began; null where unknown.")
    step: Step | None = Field(default=None, description="The step that runs.")
    progress: float | None = Field(default=None, description="How much of the way is done, 0 to 1.", examples=[0.31])
    speed: float | None = Field(default=None, description="Seconds of video made in a second.", examples=[2.4])
    time_left_seconds: float | None = Field(default=None, description="At the rate so far; null where unknown.")
    workers: list[str] = Field(default=[], description="Workers that have its steps in hand.")

    @classmethod
    def of(cls, video: Video, live: LiveProgress | None) -> Self:
        """The row, and how far its run is."""
        row = cls(id=video.id, user_id=video.user_id, title=video.title, created_at=video.created_at)
        if live is None:
            return row
        return row.model_copy(
            update={
                "begun_at": live.begun_at,
                "step": live.step,
                "progress": min(max(live.fraction, 0.0), 1.0),
                "speed": live.speed,
                "time_left_seconds": live.time_left_seconds,
                "workers": list(live.workers),
            }
        )


class RunningList(BaseModel):
    """Videos that are being processed, those first that were uploaded first."""

    items: list[RunningView]


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
    """How the whole service stands. What is counted of videos is of those that the caller may see."""

    videos: dict[VideoStatus, int] = Field(
        description="How many videos are in each status.",
        examples=[{"uploading": 0, "processing": 1, "ready": 12, "error": 2}],
    )
    reprocessing: int = Field(description="How many of the ready ones are made anew.", examples=[0])
    last_hour: LatelyView
    oldest_running: RunningView | None = Field(description="The one in processing that was uploaded first.")
    queues: list[QueueView] | None = Field(description="Null while Temporal does not answer.")
    workers: list[WorkerView] | None = Field(
        description="Null while Temporal does not answer, and where its server does not keep this; `queues[].pollers` "
        "is there then."
    )
    storage: StorageView
    temporal: TemporalView
    versions: Versions
    limits: Limits
    profiles: list[ProfileView] = Field(description="What an upload may ask for, by name.")
