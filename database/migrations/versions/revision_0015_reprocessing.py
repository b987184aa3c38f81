"""Ready videos that are made anew while their files are served, and the files that they had before."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_IS_REPROCESSING = "status = 'ready' AND reprocess_profile IS NOT NULL AND reprocess_error_code IS NULL"

_FUNCTION = """
CREATE OR REPLACE FUNCTION note_video_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    kind text;
    seen jsonb;
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.status = 'deleting' THEN
        RETURN NULL;  -- nobody has seen it since it was deleted
    END IF;
    IF TG_OP = 'DELETE' THEN
        kind := 'video.deleted';
        seen := to_jsonb(OLD) || '{"status": "deleting"}';
    ELSE
        seen := to_jsonb(NEW);
        kind := CASE
            WHEN TG_OP = 'INSERT' THEN 'video.created'
            WHEN NEW.status = OLD.status THEN
                CASE WHEN OLD.uploaded_at IS NULL AND NEW.uploaded_at IS NOT NULL THEN 'video.uploaded'
                %(of_reprocessing)s
                ELSE 'video.updated' END
            WHEN NEW.status = 'deleting' THEN 'video.deleted'
            WHEN NEW.status = 'error' AND NEW.error_code = 'cancelled' THEN 'video.cancelled'
            WHEN NEW.status = 'processing' AND OLD.status = 'uploading' THEN 'video.uploaded'
            WHEN NEW.status = 'processing' THEN 'video.retried'
            ELSE 'video.' || NEW.status
        END;
    END IF;
    PERFORM pg_advisory_xact_lock(7806517203221849013);
    INSERT INTO events (type, user_id, video_id, video)
    VALUES (kind, seen ->> 'user_id', (seen ->> 'id')::uuid, seen - 'source_url' - 'upload_lease');
    PERFORM pg_notify('rushes_events', '');
    RETURN NULL;
END
$$
"""

_OF_REPROCESSING = """
                WHEN NEW.attempt <> OLD.attempt THEN 'video.reprocessing'
                WHEN NEW.published_edition <> OLD.published_edition THEN 'video.reprocessed'
                WHEN OLD.reprocess_error_code IS NULL AND NEW.reprocess_error_code IS NOT NULL
                    THEN 'video.reprocess_failed'
"""

_TRIGGER = """
CREATE CONSTRAINT TRIGGER videos_changed AFTER UPDATE ON videos
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (
    (OLD.status, OLD.attempt, OLD.title, OLD.visibility, OLD.metadata, OLD.uploaded_at%(old)s)
    IS DISTINCT FROM
    (NEW.status, NEW.attempt, NEW.title, NEW.visibility, NEW.metadata, NEW.uploaded_at%(new)s)
)
EXECUTE FUNCTION note_video_event()
"""


def upgrade() -> None:
    """Every video is served its first edition, and none is made anew."""
    op.add_column("videos", sa.Column("published_edition", sa.Integer(), server_default="0", nullable=False))
    op.add_column("videos", sa.Column("reprocess_profile", sa.String(40), nullable=True))
    op.add_column("videos", sa.Column("reprocess_error_code", sa.String(40), nullable=True))
    op.add_column("videos", sa.Column("reprocess_error_reason", sa.String(), nullable=True))
    op.add_column("videos", sa.Column("reprocess_asked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "videos", sa.Column("reprocess_counts", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_index(
        "videos_reprocessing",
        "videos",
        [sa.text("next_look_at NULLS FIRST"), "id"],
        postgresql_where=sa.text(_IS_REPROCESSING),
    )
    op.create_table(
        "former_editions",
        sa.Column("video_id", sa.Uuid(), nullable=False),
        sa.Column("edition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("remove_after", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["video_id"], ["videos.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("video_id", "edition"),
    )
    op.create_index("former_editions_due", "former_editions", ["remove_after"])
    op.execute(_FUNCTION % {"of_reprocessing": _OF_REPROCESSING.strip()})
    op.execute("DROP TRIGGER videos_changed ON videos")
    told = ("published_edition", "reprocess_error_code")
    op.execute(_TRIGGER % {side: "".join(f", {side.upper()}.{column}" for column in told) for side in ("old", "new")})


def downgrade() -> None:
    """Take it back; of a video that was made anew the files of its first edition are gone, and it is to be uploaded."""
    op.execute("DROP TRIGGER videos_changed ON videos")
    op.execute(_FUNCTION % {"of_reprocessing": ""})
    op.execute(_TRIGGER % {"old": "", "new": ""})
    op.drop_table("former_editions")
    op.drop_index("videos_reprocessing", "videos")
    for column in (
        *("reprocess_counts", "reprocess_asked_at", "reprocess_error_reason", "reprocess_error_code"),
        *("reprocess_profile", "published_edition"),
    ):
        op.drop_column("videos", column)
