"""Who starts the deliveries of webhooks is told where there are some, and not of each event."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_FUNCTION = """
CREATE OR REPLACE FUNCTION make_webhook_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_deliveries (webhook_id, event_id)
    SELECT id, NEW.id FROM webhooks
    WHERE user_id = NEW.user_id AND is_enabled
        AND (event_types = '[]'::jsonb OR event_types @> to_jsonb(NEW.type::text));
    {told}RETURN NULL;
END
$$
"""

_TOLD = "IF FOUND THEN PERFORM pg_notify('rushes_webhooks', ''); END IF;\n    "


def upgrade() -> None:
    """Notify on a channel of its own."""
    op.execute(_FUNCTION.format(told=_TOLD))


def downgrade() -> None:
    """Take it back: an api of before wakes at every event."""
    op.execute(_FUNCTION.format(told=""))
