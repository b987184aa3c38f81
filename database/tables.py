"""The tables. Their history is in ``database/migrations``."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from contracts.processing import DEFAULT_PROFILE
from contracts.status import VideoStatus, Visibility
from contracts.storage_keys import FIRST_EDITION

_STATUS_LIST = ", ".join(f"'{status}'" for status in VideoStatus)


def utc_now() -> datetime:
    """The time of a change, with its zone."""
    return datetime.now(UTC)


class Video(SQLModel, table=True):
    """One uploaded video and where it stands.

    The workflow owns ``status`` while it is ``processing``; ``attempt`` tells which run may still change the row. A row
    in ``processing`` with ``cancel_requested_at`` ends as cancelled, whatever becomes of its run. One in ``ready`` with
    a ``reprocess_profile`` is made anew by the run of its ``attempt``, or was not, for its ``reprocess_error_code``.
    """

    __tablename__ = "videos"
    __table_args__ = (
        CheckConstraint(f"status IN ({_STATUS_LIST})", name="videos_status_check"),
        # Pages, newest first, read these backwards; that of all is an administrator's.
        Index("videos_page", "user_id", "created_at", "id"),
        Index("videos_page_of_all", "created_at", "id"),
        Index("videos_page_by_status", "user_id", "status", "created_at", "id"),
        # Failures and rows with metadata are few: who does not ask for them pays nothing for these.
        Index(
            "videos_page_by_error", "error_code", "created_at", "id", postgresql_where=text("error_code IS NOT NULL")
        ),
        Index(
            "videos_metadata",
            "metadata",
            postgresql_using="gin",
            postgresql_ops={"metadata": "jsonb_path_ops"},
            postgresql_where=text("metadata <> '{}'::jsonb"),
        ),
        # The reconciler's, small because few videos are on their way at a time.
        Index(
            "videos_processing",
            text("next_look_at NULLS FIRST"),
            "id",
            postgresql_where=text("status = 'processing'"),
        ),
        Index(
            "videos_deleting",
            text("next_look_at NULLS FIRST"),
            "id",
            postgresql_where=text("status = 'deleting'"),
        ),
        Index(
            "videos_reprocessing",
            text("next_look_at NULLS FIRST"),
            "id",
            postgresql_where=text(
                "status = 'ready' AND reprocess_profile IS NOT NULL AND reprocess_error_code IS NULL"
            ),
        ),
        Index("videos_uploading", "upload_expires_at", "id", postgresql_where=text("status = 'uploading'")),
        Index(
            "videos_leavings",
            "next_look_at",
            "id",
            postgresql_where=text("status = 'error' AND next_look_at IS NOT NULL"),
        ),
    )

    id: UUID = Field(default_factory=uuid4, sa_column=Column(Uuid, primary_key=True))
    user_id: str = Field(max_length=200)
    title: str = Field(max_length=200)
    user_metadata: dict[str, str] = Field(
        default_factory=dict, sa_column=Column("metadata", JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    )
    visibility: str = Field(
        default=Visibility.PRIVATE.value,
        sa_column=Column(String(20), nullable=False, server_default=Visibility.PRIVATE.value),
    )
    profile: str = Field(
        default=DEFAULT_PROFILE, sa_column=Column(String(40), nullable=False, server_default=DEFAULT_PROFILE)
    )
    status: str = Field(default=VideoStatus.UPLOADING.value, max_length=20)
    file_size_bytes: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    original_filename: str = Field(max_length=255)
    original_key: str
    content_sha256: str | None = Field(default=None, max_length=64)
    source_url: str | None = None
    source_validator: str | None = None
    url_mp4: str | None = None
    thumbnail: str | None = None
    published_bytes: int | None = Field(default=None, sa_column=Column(BigInteger))
    published_sha256: str | None = Field(default=None, max_length=64)
    thumbnail_bytes: int | None = Field(default=None, sa_column=Column(BigInteger))
    thumbnail_sha256: str | None = Field(default=None, max_length=64)
    duration_seconds: float | None = Field(default=None, sa_column=Column(Float))
    counted_seconds: float | None = Field(default=None, sa_column=Column(Float))
    width: int | None = None
    height: int | None = None
    error_code: str | None = Field(default=None, max_length=40)
    error_reason: str | None = None
    failed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    warnings: list[dict[str, str]] = Field(
        default_factory=list, sa_column=Column(JSONB, nullable=False, server_default=text("'[]'::jsonb"))
    )
    published_edition: int = Field(
        default=FIRST_EDITION, sa_column=Column(Integer, nullable=False, server_default=str(FIRST_EDITION))
    )
    reprocess_profile: str | None = Field(default=None, max_length=40)
    reprocess_error_code: str | None = Field(default=None, max_length=40)
    reprocess_error_reason: str | None = None
    reprocess_asked_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    reprocess_counts: bool = Field(
        default=False, sa_column=Column(Boolean, nullable=False, server_default=text("false"))
    )
    attempt: int = 1
    cancel_requested_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    upload_expires_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    upload_length: int | None = Field(default=None, sa_column=Column(BigInteger))
    upload_offset: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    upload_lease: UUID | None = Field(default=None, sa_column=Column(Uuid))
    upload_lease_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    next_look_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    uploaded_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    created_at: datetime = Field(default_factory=utc_now, sa_column=Column(DateTime(timezone=True), nullable=False))
    updated_at: datetime = Field(default_factory=utc_now, sa_column=Column(DateTime(timezone=True), nullable=False))

    @property
    def is_reprocessing(self) -> bool:
        """Whether a run makes it anew, while its files are served."""
        is_asked_for = self.reprocess_profile is not None and self.reprocess_error_code is None
        return self.status == VideoStatus.READY and is_asked_for


class FormerEdition(SQLModel, table=True):
    """Files that a video had before it was made anew, kept for a while for whoever is watching them."""

    __tablename__ = "former_editions"
    __table_args__ = (Index("former_editions_due", "remove_after"),)

    video_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("videos.id", ondelete="CASCADE"), primary_key=True))
    edition: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    remove_after: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class IdempotencyKey(SQLModel, table=True):
    """The ``Idempotency-Key`` of an upload, so that the same request again gets the first answer."""

    __tablename__ = "idempotency_keys"

    user_id: str = Field(primary_key=True, max_length=200)
    key: str = Field(primary_key=True, max_length=255)
    video_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("videos.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    created_at: datetime = Field(default_factory=utc_now, sa_column=Column(DateTime(timezone=True), nullable=False))


class User(SQLModel, table=True):
    """Somebody who has keys, and how much they may use; None leaves it open."""

    __tablename__ = "users"

    name: str = Field(primary_key=True, max_length=200)
    max_uploads_in_flight: int | None = None
    max_stored_bytes: int | None = Field(default=None, sa_column=Column(BigInteger))
    max_minutes_a_day: int | None = None
    max_requests_a_second: int | None = None
    created_at: datetime = Field(default_factory=utc_now, sa_column=Column(DateTime(timezone=True), nullable=False))


class ApiKey(SQLModel, table=True):
    """A key of the api. What it is shown as once is not here, only its digest."""

    __tablename__ = "api_keys"

    id: str = Field(primary_key=True, max_length=12)
    user_name: str = Field(sa_column=Column(String(200), ForeignKey("users.name"), nullable=False, index=True))
    is_admin: bool = False
    secret_sha256: str = Field(max_length=64)
    created_at: datetime = Field(default_factory=utc_now, sa_column=Column(DateTime(timezone=True), nullable=False))
    expires_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class SigningSecret(SQLModel, table=True):
    """What links and sessions are signed with. The newest signs; those that are not retired still hold."""

    __tablename__ = "signing_secrets"

    id: int | None = Field(default=None, primary_key=True)
    secret: str = Field(max_length=100)
    created_at: datetime = Field(default_factory=utc_now, sa_column=Column(DateTime(timezone=True), nullable=False))
    retires_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class Event(SQLModel, table=True):
    """Something that happened to a video; written by a trigger in the transaction of the change.

    Ids become visible in their order, so whoever has read up to one has missed none before it.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("events_of_user", "user_id", "id"),
        Index("events_of_video", "video_id", "id"),
        # Written in the order of their time, so that the pages of an hour are found by a few words about each page.
        Index("events_by_time", "created_at", postgresql_using="brin"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    type: str = Field(max_length=40)
    user_id: str = Field(max_length=200)
    video_id: UUID
    video: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime = Field(
        default_factory=utc_now,
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    )


class Webhook(SQLModel, table=True):
    """Where a user's events are sent."""

    __tablename__ = "webhooks"
    __table_args__ = (Index("webhooks_of_user", "user_id", "created_at"),)

    id: UUID = Field(default_factory=uuid4, sa_column=Column(Uuid, primary_key=True))
    user_id: str = Field(max_length=200)
    url: str = Field(max_length=2000)
    description: str = Field(default="", max_length=200)
    event_types: list[str] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    is_enabled: bool = True
    disabled_reason: str | None = Field(default=None, max_length=200)
    secret: str = Field(max_length=100)
    former_secret: str | None = Field(default=None, max_length=100)
    former_secret_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    older_secrets: list[dict[str, str]] = Field(
        default_factory=list, sa_column=Column(JSONB, nullable=False, server_default=text("'[]'::jsonb"))
    )
    created_at: datetime = Field(default_factory=utc_now, sa_column=Column(DateTime(timezone=True), nullable=False))


class WebhookDelivery(SQLModel, table=True):
    """An event on its way to a webhook; made by a trigger with the event, and gone with it.

    At ``start_due_at`` its workflow is started, unless it is there already; None when it is over. Each sign of it puts
    that off, so that a workflow which is lost is started again.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("webhook_deliveries_of_webhook", "webhook_id", "id"),
        Index("webhook_deliveries_of_event", "event_id"),
        Index("webhook_deliveries_to_start", "start_due_at", postgresql_where=text("start_due_at IS NOT NULL")),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    webhook_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False))
    event_id: int = Field(sa_column=Column(BigInteger, ForeignKey("events.id", ondelete="CASCADE"), nullable=False))
    status: str = Field(default="pending", sa_column=Column(String(20), nullable=False, server_default="pending"))
    round: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))
    answers: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSONB, nullable=False, server_default=text("'[]'::jsonb"))
    )
    next_attempt_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    start_due_at: datetime | None = Field(
        default_factory=utc_now, sa_column=Column(DateTime(timezone=True), server_default=text("now()"))
    )
    created_at: datetime = Field(
        default_factory=utc_now,
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=text("now()")),
    )


class StoragePlace(SQLModel, table=True):
    """A storage that an api of this database has worked with, by ``storage.identity``.

    Start of the server and transaction tell whether the row still stands where it was written (``database.places``).
    """

    __tablename__ = "storage_places"

    identity: str = Field(primary_key=True, max_length=8)
    known_since: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    server_started_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    written_by: str | None = Field(default=None, max_length=10)
