"""Uploads that go on: how long they will be, how far they are, and who writes them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_COLUMNS = ("uploaded_at", "upload_lease_until", "upload_lease", "upload_offset", "upload_length")


def upgrade() -> None:
    """Add five columns. That an upload is finished was told by its hash, which may come later from now on."""
    op.add_column("videos", sa.Column("upload_length", sa.BigInteger(), nullable=True))
    op.add_column("videos", sa.Column("upload_offset", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("videos", sa.Column("upload_lease", sa.Uuid(), nullable=True))
    op.add_column("videos", sa.Column("upload_lease_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("videos", sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE videos SET uploaded_at = created_at WHERE content_sha256 IS NOT NULL")


def downgrade() -> None:
    """Remove them."""
    for name in _COLUMNS:
        op.drop_column("videos", name)
