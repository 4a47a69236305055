"""Incidents: events that are appended, from which the state of each follows."""

from alembic import op

from ml_platform.adapters.ledger.row_hashes import follow_rows_of

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE incident_events (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id text NOT NULL UNIQUE, model text NOT NULL,
    incident_id text NOT NULL, at timestamptz NOT NULL, body text NOT NULL
);
CREATE INDEX ix_incident_events_model ON incident_events (model);
CREATE FUNCTION refuse_change_of_incident() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'incident_events is append-only: % refused', TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER incident_events_append_only BEFORE UPDATE OR DELETE ON incident_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_incident();
CREATE TRIGGER incident_events_not_emptied BEFORE TRUNCATE ON incident_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_incident();
"""


def upgrade() -> None:
    """Make the table; the database itself keeps it append-only."""
    op.execute(_TABLE)
    op.execute(follow_rows_of("incident_events"))


def downgrade() -> None:
    """What was open, and who took care of it, is not given up."""
    raise NotImplementedError("restore the database from a backup instead")
