"""Since when the database knows a storage, so that files from before are not taken for nobody's."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every place counts as known from the moment on that an api first sees it with this table."""
    op.create_table(
        "storage_places",
        sa.Column("identity", sa.String(8), primary_key=True),
        sa.Column("known_since", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("storage_places")
