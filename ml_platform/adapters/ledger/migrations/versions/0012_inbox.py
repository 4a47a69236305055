"""The inbox: rows that came by HTTP and wait to be taken into the lake."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Not hashed row by row while it is written, as other tables are: all workers would wait for one row of the day, and
# what is taken in lies in the lake, under its manifest.
_INBOX = """
CREATE TABLE inbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, table_name text NOT NULL, row_id text NOT NULL,
    user_id text NOT NULL, body text NOT NULL, completes boolean NOT NULL, received_at timestamptz NOT NULL,
    key_id text NOT NULL, taken_in_at timestamptz
);
CREATE INDEX ix_inbox_waiting ON inbox (id) WHERE taken_in_at IS NULL;
CREATE INDEX ix_inbox_taken_in ON inbox (taken_in_at) WHERE taken_in_at IS NOT NULL;
CREATE INDEX ix_inbox_user_id ON inbox (user_id);
"""


def upgrade() -> None:
    """Make the table."""
    op.execute(_INBOX)


def downgrade() -> None:
    """Rows that wait would be lost."""
    raise NotImplementedError("restore the database from a backup instead")
