"""Experiments: frozen definitions, results with their statistics, and a log of what happened to them."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE experiments (
    name text PRIMARY KEY, hash text NOT NULL, model text NOT NULL, defined_at timestamptz NOT NULL,
    body text NOT NULL
);
CREATE INDEX ix_experiments_model ON experiments (model);
CREATE TABLE experiment_results (
    name text PRIMARY KEY REFERENCES experiments (name), verdict text NOT NULL,
    finished_at timestamptz NOT NULL, body text NOT NULL, statistics bytea NOT NULL
);
CREATE TABLE experiment_events (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL,
    happening text NOT NULL, at timestamptz NOT NULL, body text NOT NULL
);
CREATE INDEX ix_experiment_events_name ON experiment_events (name);
"""

_APPEND_ONLY = """
CREATE FUNCTION refuse_change_of_experiment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME <> 'experiment_events'
       AND current_setting('ml_platform.pruning', true) = OLD.name THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused; define a new experiment', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""

_TRIGGERS = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_experiment();
CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_experiment();
"""


def upgrade() -> None:
    """Make the tables; the database itself keeps them append-only, but for what retention prunes by name."""
    op.execute(_TABLES)
    op.execute(_APPEND_ONLY)
    for table in ("experiments", "experiment_results", "experiment_events"):
        op.execute(_TRIGGERS.format(table=table))


def downgrade() -> None:
    """What was frozen is not given up."""
    raise NotImplementedError("restore the database from a backup instead")
