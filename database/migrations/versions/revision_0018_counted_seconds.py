"""Minutes of a day are also those of what is on its way."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None where there is no limit, as of all that began before."""
    op.add_column("videos", sa.Column("counted_seconds", sa.Float(), nullable=True))


def downgrade() -> None:
    """Without it."""
    op.drop_column("videos", "counted_seconds")
