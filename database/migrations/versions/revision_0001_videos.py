"""Videos and the idempotency keys of their uploads."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "videos",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.String(200), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("file_size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("original_filename", sa.String(255), nullable=False),
        sa.Column("original_key", sa.String(), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=True),
        sa.Column("url_mp4", sa.String(), nullable=True),
        sa.Column("thumbnail", sa.String(), nullable=True),
        sa.Column("duration_seconds", sa.Float(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.String(40), nullable=True),
        sa.Column("error_reason", sa.String(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("upload_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('uploading', 'processing', 'ready', 'error')", name="videos_status_check"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("videos_page", "videos", ["user_id", "created_at", "id"])
    op.create_index("videos_page_by_status", "videos", ["user_id", "status", "created_at", "id"])
    op.create_index(
        "videos_processing", "videos", ["updated_at", "id"], postgresql_where=sa.text("status = 'processing'")
    )
    op.create_index(
        "videos_uploading", "videos", ["upload_expires_at", "id"], postgresql_where=sa.text("status = 'uploading'")
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.String(200), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("video_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["video_id"], ["videos.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "key"),
    )
    op.create_index("ix_idempotency_keys_video_id", "idempotency_keys", ["video_id"])


def downgrade() -> None:
    """Remove both tables."""
    op.drop_table("idempotency_keys")
    op.drop_table("videos")
