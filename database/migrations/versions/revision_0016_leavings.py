"""Uploads that were ended from outside are found, so that nothing is left of them."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Few rows stand so, each for a minute."""
    op.create_index(
        "videos_leavings",
        "videos",
        ["next_look_at", "id"],
        postgresql_where=sa.text("status = 'error' AND next_look_at IS NOT NULL"),
    )


def downgrade() -> None:
    """Without it."""
    op.drop_index("videos_leavings", "videos")
