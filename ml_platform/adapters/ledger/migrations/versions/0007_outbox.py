"""Messages wait for their receivers in a table, so that none is lost."""

from alembic import op

from ml_platform.adapters.ledger.row_hashes import follow_rows_of

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE outbox (
    message_id text NOT NULL, receiver text NOT NULL, created_at timestamptz NOT NULL, due_at timestamptz NOT NULL,
    attempts integer NOT NULL, delivered_at timestamptz, fault text NOT NULL, body text NOT NULL,
    PRIMARY KEY (message_id, receiver)
);
"""
_INDEX = "CREATE INDEX ix_outbox_due ON outbox (due_at) WHERE delivered_at IS NULL"


def upgrade() -> None:
    """Make the table."""
    op.execute(_TABLE)
    op.execute(_INDEX)
    op.execute(follow_rows_of("outbox"))


def downgrade() -> None:
    """Messages that wait would be lost."""
    raise NotImplementedError("restore the database from a backup instead")
