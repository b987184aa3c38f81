"""What the published files are, so that they can be compared with what is stored."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Empty for videos that were ready before: of those only it can be told that their files are there."""
    op.add_column("videos", sa.Column("published_bytes", sa.BigInteger(), nullable=True))
    op.add_column("videos", sa.Column("published_sha256", sa.String(64), nullable=True))
    op.add_column("videos", sa.Column("thumbnail_bytes", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Take it back."""
    for column in ("published_bytes", "published_sha256", "thumbnail_bytes"):
        op.drop_column("videos", column)
