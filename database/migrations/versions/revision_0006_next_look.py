"""When the reconciler looks at a row in processing again."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and an index in its order in place of the one in the order of changes."""
    op.add_column("videos", sa.Column("next_look_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_index("videos_processing", "videos")
    op.create_index(
        "videos_processing",
        "videos",
        [sa.text("next_look_at NULLS FIRST"), "id"],
        postgresql_where=sa.text("status = 'processing'"),
    )


def downgrade() -> None:
    """Take both back."""
    op.drop_index("videos_processing", "videos")
    op.create_index(
        "videos_processing", "videos", ["updated_at", "id"], postgresql_where=sa.text("status = 'processing'")
    )
    op.drop_column("videos", "next_look_at")
