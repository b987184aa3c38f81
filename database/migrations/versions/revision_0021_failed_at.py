"""When a video failed, which a change of its title says nothing of: cohorts are those that failed since a moment."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None for what failed before; the time of the row's last change counts there."""
    op.add_column("videos", sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Without it."""
    op.drop_column("videos", "failed_at")
