"""The api's answers about the service, read as those of ``client/views.py`` are."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from contracts.status import VideoStatus


class QueueView(BaseModel):
    """One task queue."""

    name: str
    backlog: int
    backlog_age_seconds: float = 0.0
    pollers: list[str]


class WorkerView(BaseModel):
    """One worker process on one task queue."""

    queue: str
    host: str
    process: int
    label: str
    version: str
    busy_slots: int
    free_slots: int
    seen_at: datetime
    is_stopping: bool


class LatelyView(BaseModel):
    """What became of videos in the last hour."""

    ready: int
    ready_seconds: float
    failures: dict[str, int]


class StorageView(BaseModel):
    """Where the files are."""

    kind: str
    free_bytes: int | None


class RunningView(BaseModel):
    """A video that is being processed."""

    id: UUID
    user_id: str
    title: str
    created_at: datetime
    begun_at: datetime | None = None
    step: str | None = None
    progress: float | None = None
    speed: float | None = None
    time_left_seconds: float | None = None
    workers: list[str] = []


class RunningList(BaseModel):
    """Videos that are being processed, those first that were uploaded first."""

    items: list[RunningView]


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
    last_hour: LatelyView
    oldest_running: RunningView | None
    queues: list[QueueView] | None
    workers: list[WorkerView] | None
    storage: StorageView
    temporal: TemporalView
    versions: VersionsView
    profiles: list[ProfileView]
    reprocessing: int = 0
