"""What happened in the last hour is counted without reading what happened in the last week."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rows are written in the order of their time, so an index of ranges of pages is enough, and costs little."""
    op.create_index("events_by_time", "events", ["created_at"], postgresql_using="brin")


def downgrade() -> None:
    """Without it."""
    op.drop_index("events_by_time", "events")
