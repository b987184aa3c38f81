"""Webhooks, and what is to be delivered to them: made by a trigger for each event, in the transaction of the change."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_FUNCTION = """
CREATE FUNCTION make_webhook_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_deliveries (webhook_id, event_id)
    SELECT id, NEW.id FROM webhooks
    WHERE user_id = NEW.user_id AND is_enabled
        AND (event_types = '[]'::jsonb OR event_types @> to_jsonb(NEW.type::text));
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    """Make the tables, and the trigger on events."""
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.String(200), nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("event_types", JSONB(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", sa.String(200), nullable=True),
        sa.Column("secret", sa.String(100), nullable=False),
        sa.Column("former_secret", sa.String(100), nullable=True),
        sa.Column("former_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("webhooks_of_user", "webhooks", ["user_id", "created_at"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(20), server_default="pending", nullable=False),
        sa.Column("round", sa.Integer(), server_default="1", nullable=False),
        sa.Column("answers", JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("start_due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("webhook_deliveries_of_webhook", "webhook_deliveries", ["webhook_id", "id"])
    op.create_index("webhook_deliveries_of_event", "webhook_deliveries", ["event_id"])
    op.create_index(
        "webhook_deliveries_to_start",
        "webhook_deliveries",
        ["start_due_at"],
        postgresql_where=sa.text("start_due_at IS NOT NULL"),
    )
    op.execute(_FUNCTION)
    op.execute(
        "CREATE TRIGGER events_to_webhooks AFTER INSERT ON events "
        "FOR EACH ROW EXECUTE FUNCTION make_webhook_deliveries()"
    )


def downgrade() -> None:
    """Remove them."""
    op.execute("DROP TRIGGER events_to_webhooks ON events")
    op.execute("DROP FUNCTION make_webhook_deliveries")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhooks")
