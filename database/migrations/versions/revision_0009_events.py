"""What happened to videos: rows that a trigger writes in the transaction of the change itself.

A trigger, so that no change of a row can be forgotten, also by the release before this one. It runs at the commit, and
holds a lock from there to its end, so that events become visible in the order of their ids.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_FUNCTION = """
CREATE FUNCTION note_video_event() RETURNS trigger LANGUAGE plpgsql AS $$
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

_TRIGGERS = (
    """
    CREATE CONSTRAINT TRIGGER videos_made_or_gone AFTER INSERT OR DELETE ON videos
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_video_event()
    """,
    """
    CREATE CONSTRAINT TRIGGER videos_changed AFTER UPDATE ON videos
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (
        (OLD.status, OLD.attempt, OLD.title, OLD.visibility, OLD.metadata, OLD.uploaded_at)
        IS DISTINCT FROM
        (NEW.status, NEW.attempt, NEW.title, NEW.visibility, NEW.metadata, NEW.uploaded_at)
    )
    EXECUTE FUNCTION note_video_event()
    """,
)


def upgrade() -> None:
    """Make the table and what fills it; of what was before there are no events."""
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("user_id", sa.String(200), nullable=False),
        sa.Column("video_id", sa.Uuid(), nullable=False),
        sa.Column("video", JSONB(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("events_of_user", "events", ["user_id", "id"])
    op.create_index("events_of_video", "events", ["video_id", "id"])
    op.execute(_FUNCTION)
    for trigger in _TRIGGERS:
        op.execute(trigger)


def downgrade() -> None:
    """Remove them."""
    op.execute("DROP TRIGGER videos_changed ON videos")
    op.execute("DROP TRIGGER videos_made_or_gone ON videos")
    op.execute("DROP FUNCTION note_video_event")
    op.drop_table("events")
