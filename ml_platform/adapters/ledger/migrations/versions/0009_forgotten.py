"""People who were forgotten, each by a keyed hash, and the reports from which their ids were taken out."""

from alembic import op

from ml_platform.adapters.ledger.row_hashes import follow_rows_of

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE forgotten_people (
    tombstone text PRIMARY KEY, key_check text NOT NULL, at timestamptz NOT NULL, actor text NOT NULL,
    reason text NOT NULL, learned text NOT NULL, finished_at timestamptz
);
CREATE TABLE redacted_reports (report_id text PRIMARY KEY, sha256 text NOT NULL, at timestamptz NOT NULL);
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(_TABLES)
    for table in ("forgotten_people", "redacted_reports"):
        op.execute(follow_rows_of(table))


def downgrade() -> None:
    """Who was forgotten would come back with the next reading of the source."""
    raise NotImplementedError("restore the database from a backup instead")
