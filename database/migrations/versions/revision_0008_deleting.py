"""The status of a video that is being deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_CHECK = "videos_status_check"
_BEFORE = "status IN ('uploading', 'processing', 'ready', 'error')"
_NOW = "status IN ('uploading', 'processing', 'ready', 'error', 'deleting')"


def upgrade() -> None:
    """Allow it, and let the reconciler find such rows."""
    op.drop_constraint(_CHECK, "videos", type_="check")
    op.create_check_constraint(_CHECK, "videos", _NOW)
    op.create_index(
        "videos_deleting",
        "videos",
        [sa.text("next_look_at NULLS FIRST"), "id"],
        postgresql_where=sa.text("status = 'deleting'"),
    )


def downgrade() -> None:
    """Take it back; what was not deleted yet is an error, to be deleted once more."""
    op.drop_index("videos_deleting", "videos")
    op.execute(
        "UPDATE videos SET status = 'error', error_code = 'cancelled', error_reason = 'The video was being deleted. "
        "Delete it again.' WHERE status = 'deleting'"
    )
    op.drop_constraint(_CHECK, "videos", type_="check")
    op.create_check_constraint(_CHECK, "videos", _BEFORE)
