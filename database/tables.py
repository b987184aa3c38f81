"""The tables. Their history is in ``database/migrations``."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Float, ForeignKey, Index, String, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from contracts.processing import DEFAULT_PROFILE
from contracts.status import VideoStatus

_STATUS_LIST = ", ".join(f"'{status}'" for status in VideoStatus)


def utc_now() -> datetime:
    """The time of a change, with its zone."""
    return datetime.now(UTC)


class Video(SQLModel, table=True):
    """One uploaded video and where it stands.

    The workflow owns ``status`` while it is ``processing``; ``attempt`` tells which run may still change the row. A row
    in ``processing`` with ``cancel_requested_at`` ends as cancelled, whatever becomes of its run.
    """

    __tablename__ = "videos"
    __table_args__ = (
        CheckConstraint(f"status IN ({_STATUS_LIST})", name="videos_status_check"),
        # Pages, newest first, read these backwards.
        Index("videos_page", "user_id", "created_at", "id"),
        Index("videos_page_by_status", "user_id", "status", "created_at", "id"),
        # The reconciler's, small because few videos are on their way at a time.
        Index("videos_processing", "updated_at", "id", postgresql_where=text("status = 'processing'")),
        Index("videos_uploading", "upload_expires_at", "id", postgresql_where=text("status = 'uploading'")),
    )

    id: UUID = Field(default_factory=uuid4, sa_column=Column(Uuid, primary_key=True))
    user_id: str = Field(max_length=200)
    title: str = Field(max_length=200)
    profile: str = Field(
        default=DEFAULT_PROFILE, sa_column=Column(String(40), nullable=False, server_default=DEFAULT_PROFILE)
    )
    status: str = Field(default=VideoStatus.UPLOADING.value, max_length=20)
    file_size_bytes: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    original_filename: str = Field(max_length=255)
    original_key: str
    content_sha256: str | None = Field(default=None, max_length=64)
    source_url: str | None = None
    url_mp4: str | None = None
    thumbnail: str | None = None
    duration_seconds: float | None = Field(default=None, sa_column=Column(Float))
    width: int | None = None
    height: int | None = None
    error_code: str | None = Field(default=None, max_length=40)
    error_reason: str | None = None
    warnings: list[dict[str, str]] = Field(
        default_factory=list, sa_column=Column(JSONB, nullable=False, server_default=text("'[]'::jsonb"))
    )
    attempt: int = 1
    cancel_requested_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    upload_expires_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    upload_length: int | None = Field(default=None, sa_column=Column(BigInteger))
    upload_offset: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    upload_lease: UUID | None = Field(default=None, sa_column=Column(Uuid))
    upload_lease_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    uploaded_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    created_at: datetime = Field(default_factory=utc_now, sa_column=Column(DateTime(timezone=True), nullable=False))
    updated_at: datetime = Field(default_factory=utc_now, sa_column=Column(DateTime(timezone=True), nullable=False))


class IdempotencyKey(SQLModel, table=True):
    """The ``Idempotency-Key`` of an upload, so that the same request again gets the first answer."""

    __tablename__ = "idempotency_keys"

    user_id: str = Field(primary_key=True, max_length=200)
    key: str = Field(primary_key=True, max_length=255)
    video_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("videos.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    created_at: datetime = Field(default_factory=utc_now, sa_column=Column(DateTime(timezone=True), nullable=False))
