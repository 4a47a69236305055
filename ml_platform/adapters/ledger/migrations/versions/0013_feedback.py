"""Outcomes and feedback that people have reported of answers."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_FEEDBACK = """
CREATE TABLE feedback (
    prediction_id uuid NOT NULL, kind text NOT NULL, once text NOT NULL, label text, value double precision,
    at timestamptz NOT NULL, received_at timestamptz NOT NULL, model text NOT NULL, row_id text NOT NULL,
    user_id text NOT NULL, key_id text NOT NULL,
    PRIMARY KEY (prediction_id, kind, once)
);
CREATE INDEX ix_feedback_received_at ON feedback (received_at);
CREATE INDEX ix_feedback_user_id ON feedback (user_id);
"""


def upgrade() -> None:
    """Make the table; its rows are not hashed while they are written, like those of the inbox."""
    op.execute(_FEEDBACK)


def downgrade() -> None:
    """What people have reported would be lost."""
    raise NotImplementedError("restore the database from a backup instead")
