"""The profile of a video, its warnings, and the cancel that was accepted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add three columns. Their defaults are for the api of before, which inserts rows until it is replaced."""
    op.add_column("videos", sa.Column("profile", sa.String(40), nullable=False, server_default="web"))
    op.add_column("videos", sa.Column("warnings", JSONB(), nullable=False, server_default=sa.text("'[]'::jsonb")))
    op.add_column("videos", sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Remove them."""
    for name in ("cancel_requested_at", "warnings", "profile"):
        op.drop_column("videos", name)
