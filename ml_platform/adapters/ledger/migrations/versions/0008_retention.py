"""Predictions lie in weeks, which are dropped whole; what retention has removed, and what a person holds."""

from alembic import op

from ml_platform.adapters.ledger.prediction_weeks import create_week, week_of
from ml_platform.adapters.ledger.row_hashes import day_of, follow_rows_of

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE removals (
    kind text, key text, at timestamptz NOT NULL, bytes bigint NOT NULL, why text NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE TABLE legal_holds (
    model text, version integer, at timestamptz, actor text NOT NULL, reason text NOT NULL,
    lifted_at timestamptz, lifted_by text NOT NULL DEFAULT '', PRIMARY KEY (model, version, at)
);
"""
# The columns keep their order: the hash of a row is that of its text.
_IN_WEEKS = """
ALTER TABLE predictions RENAME TO predictions_in_one;
ALTER TABLE predictions_in_one RENAME CONSTRAINT predictions_pkey TO predictions_in_one_pkey;
DROP INDEX ix_predictions_window;
DROP INDEX ix_predictions_row_id;
CREATE TABLE predictions (
    prediction_id text, model text NOT NULL, version text NOT NULL, row_id text NOT NULL,
    user_id text NOT NULL, occurred_at timestamptz, predicted_at timestamptz NOT NULL,
    prediction text NOT NULL, confidence double precision NOT NULL, segment text,
    PRIMARY KEY (prediction_id, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX ix_predictions_window ON predictions (model, occurred_at);
CREATE INDEX ix_predictions_row_id ON predictions (row_id);
"""
_MOVED = """
INSERT INTO predictions SELECT * FROM predictions_in_one;
DROP TABLE predictions_in_one;
"""
# What is moved has its hashes already.
_FOLLOWED = """
CREATE TRIGGER predictions_rows_come AFTER INSERT ON predictions REFERENCING NEW TABLE AS come
    FOR EACH STATEMENT EXECUTE FUNCTION follow_rows('{day}');
CREATE TRIGGER predictions_rows_go AFTER DELETE ON predictions REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION follow_rows('{day}');
CREATE TRIGGER predictions_rows_change AFTER UPDATE ON predictions REFERENCING OLD TABLE AS gone NEW TABLE AS come
    FOR EACH STATEMENT EXECUTE FUNCTION follow_rows('{day}');
"""


def upgrade() -> None:
    """Make the tables, and move the predictions; their hashes stay as they are."""
    op.execute(_TABLES)
    op.execute(_IN_WEEKS)
    days = op.get_bind().exec_driver_sql(
        "SELECT DISTINCT date_trunc('day', occurred_at, 'UTC') FROM predictions_in_one"
    )
    for start in sorted({week_of(row[0]) for row in days}):
        op.execute(create_week(start))
    op.execute(_MOVED)
    op.execute(_FOLLOWED.format(day=day_of("predictions").replace("'", "''")))
    for table in ("removals", "legal_holds"):
        op.execute(follow_rows_of(table))


def downgrade() -> None:
    """What was removed does not come back."""
    raise NotImplementedError("restore the database from a backup instead")
