"""Secrets of a webhook from before the former one: who rotates twice still reaches a receiver that has the first."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Code of before signs with the former one alone, as it did."""
    empty = sa.text("'[]'::jsonb")
    op.add_column("webhooks", sa.Column("older_secrets", JSONB, nullable=False, server_default=empty))


def downgrade() -> None:
    """Without them."""
    op.drop_column("webhooks", "older_secrets")
