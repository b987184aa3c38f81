"""Whether the rows that know a storage still stand where they were written, or were put back."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every place is known anew from the first sweep on."""
    op.add_column("storage_places", sa.Column("server_started_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("storage_places", sa.Column("written_by", sa.String(10), nullable=True))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("storage_places", "written_by")
    op.drop_column("storage_places", "server_started_at")
