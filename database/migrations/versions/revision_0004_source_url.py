"""Where the original of an import is fetched from."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; uploads have none."""
    op.add_column("videos", sa.Column("source_url", sa.String(), nullable=True))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("videos", "source_url")
