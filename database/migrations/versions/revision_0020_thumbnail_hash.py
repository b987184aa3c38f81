"""What the published picture is, so that it can be compared with what is stored as the video can."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None for videos that were ready before: of their pictures the sizes alone are compared."""
    op.add_column("videos", sa.Column("thumbnail_sha256", sa.String(64), nullable=True))


def downgrade() -> None:
    """Without it."""
    op.drop_column("videos", "thumbnail_sha256")
