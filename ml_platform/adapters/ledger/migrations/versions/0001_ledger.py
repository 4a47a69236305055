"""The first ledger: state, reports, versions, the chain, predictions, outcomes, monitoring."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE home_state (key text PRIMARY KEY, value text NOT NULL);
CREATE TABLE evaluation_reports (id text PRIMARY KEY, model text NOT NULL, body text NOT NULL);
CREATE INDEX ix_evaluation_reports_model ON evaluation_reports (model);
CREATE TABLE training_sets (
    model text, fingerprint text, body text NOT NULL, PRIMARY KEY (model, fingerprint)
);
CREATE TABLE model_versions (
    model text, version integer,
    artifact_sha256 text NOT NULL, training_set_fingerprint text NOT NULL,
    policy_version text NOT NULL, verdict text NOT NULL, registered_at timestamptz NOT NULL,
    mlflow_run_id text NOT NULL, mlflow_version text NOT NULL, body text NOT NULL,
    PRIMARY KEY (model, version),
    UNIQUE (model, artifact_sha256, training_set_fingerprint, policy_version)
);
CREATE INDEX ix_model_versions_artifact_sha256 ON model_versions (artifact_sha256);
CREATE INDEX ix_model_versions_training_set_fingerprint ON model_versions (training_set_fingerprint);
CREATE INDEX ix_model_versions_verdict ON model_versions (verdict);
CREATE TABLE production_state (
    model text PRIMARY KEY, version integer NOT NULL, revision integer NOT NULL,
    FOREIGN KEY (model, version) REFERENCES model_versions (model, version)
);
CREATE TABLE promotion_events (
    sequence bigint PRIMARY KEY, model text NOT NULL, version integer NOT NULL,
    action text NOT NULL, at timestamptz NOT NULL,
    previous_hash text NOT NULL UNIQUE, hash text NOT NULL UNIQUE, body text NOT NULL
);
CREATE INDEX ix_promotion_events_model ON promotion_events (model);
CREATE TABLE feature_definitions (
    name text, version text, spec text NOT NULL, first_at timestamptz NOT NULL,
    current boolean NOT NULL, PRIMARY KEY (name, version)
);
CREATE TABLE baselines (model text, version text, body text NOT NULL, PRIMARY KEY (model, version));
CREATE TABLE predictions (
    prediction_id text PRIMARY KEY, model text NOT NULL, version text NOT NULL,
    row_id text NOT NULL, user_id text NOT NULL,
    occurred_at timestamptz NOT NULL, predicted_at timestamptz NOT NULL,
    prediction text NOT NULL, confidence double precision NOT NULL, segment text
);
CREATE INDEX ix_predictions_row_id ON predictions (row_id);
CREATE INDEX ix_predictions_window ON predictions (model, occurred_at);
CREATE TABLE outcomes (
    model text, row_id text, label text NOT NULL, known_at timestamptz NOT NULL,
    PRIMARY KEY (model, row_id)
);
CREATE SEQUENCE monitoring_reports_saved;
CREATE TABLE monitoring_reports (
    model text, version text, window_end timestamptz, saved bigint NOT NULL, body text NOT NULL,
    PRIMARY KEY (model, version, window_end)
);
CREATE INDEX ix_monitoring_reports_newest ON monitoring_reports (model, window_end DESC, saved DESC);
CREATE TABLE retraining_requests (
    key text PRIMARY KEY, model text NOT NULL, requested_at timestamptz NOT NULL, body text NOT NULL
);
CREATE INDEX ix_retraining_requests_model ON retraining_requests (model);
CREATE TABLE alerts (
    key text PRIMARY KEY, model text NOT NULL, at timestamptz NOT NULL, body text NOT NULL
);
CREATE INDEX ix_alerts_model ON alerts (model);
"""

_APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'promotion_events is append-only: % refused', TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER promotion_events_append_only BEFORE UPDATE OR DELETE ON promotion_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER promotion_events_not_emptied BEFORE TRUNCATE ON promotion_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Make the tables; the database itself keeps the chain append-only."""
    op.execute(_TABLES)
    op.execute(_APPEND_ONLY)


def downgrade() -> None:
    """There is nothing before the first ledger."""
    raise NotImplementedError("drop the database instead")
