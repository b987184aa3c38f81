"""What a caller keeps with a video, and the lists that are asked for by it and by the reason of an error."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, empty, and two indexes that have few rows."""
    op.add_column("videos", sa.Column("metadata", JSONB(), nullable=False, server_default=sa.text("'{}'::jsonb")))
    op.create_index(
        "videos_page_by_error",
        "videos",
        ["error_code", "created_at", "id"],
        postgresql_where=sa.text("error_code IS NOT NULL"),
    )
    op.create_index(
        "videos_metadata",
        "videos",
        ["metadata"],
        postgresql_using="gin",
        postgresql_ops={"metadata": "jsonb_path_ops"},
        postgresql_where=sa.text("metadata <> '{}'::jsonb"),
    )


def downgrade() -> None:
    """Take them back."""
    op.drop_index("videos_metadata", "videos")
    op.drop_index("videos_page_by_error", "videos")
    op.drop_column("videos", "metadata")
