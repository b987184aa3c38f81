"""What has arrived of an import can be gone on with by whoever comes next, and not only by Temporal's next try."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None where nothing has arrived that could be gone on with, as of all that began before."""
    op.add_column("videos", sa.Column("source_validator", sa.String(), nullable=True))


def downgrade() -> None:
    """Without it."""
    op.drop_column("videos", "source_validator")
