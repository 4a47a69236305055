"""The tables of the ledger, as SQLAlchemy sees them; the migrations make them."""

import sqlalchemy as sa

metadata = sa.MetaData()

_NOW = sa.DateTime(timezone=True)

home_state = sa.Table(
    "home_state",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
evaluation_reports = sa.Table(
    "evaluation_reports",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
)
training_sets = sa.Table(
    "training_sets",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)
model_versions = sa.Table(
    "model_versions",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("artifact_sha256", sa.Text, nullable=False, index=True),
    sa.Column("training_set_fingerprint", sa.Text, nullable=False, index=True),
    sa.Column("policy_version", sa.Text, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False, index=True),
    sa.Column("registered_at", _NOW, nullable=False),
    sa.Column("mlflow_run_id", sa.Text, nullable=False),
    sa.Column("mlflow_version", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
later_evaluations = sa.Table(
    "later_evaluations",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("evaluation", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(
        ["model", "version"], ["model_versions.model", "model_versions.version"]
    ),
)
production_state = sa.Table(
    "production_state",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.ForeignKeyConstraint(
        ["model", "version"], ["model_versions.model", "model_versions.version"]
    ),
)
promotion_events = sa.Table(
    "promotion_events",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("model", sa.Text, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("at", _NOW, nullable=False),
    sa.Column("previous_hash", sa.Text, nullable=False, unique=True),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
    sa.Column("body", sa.Text, nullable=False),
)
feature_definitions = sa.Table(
    "feature_definitions",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("spec", sa.Text, nullable=False),
    sa.Column("first_at", _NOW, nullable=False),
    sa.Column("current", sa.Boolean, nullable=False),
)
baselines = sa.Table(
    "baselines",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)
predictions = sa.Table(
    "predictions",
    metadata,
    sa.Column("prediction_id", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("row_id", sa.Text, nullable=False, index=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("occurred_at", _NOW, primary_key=True),
    sa.Column("predicted_at", _NOW, nullable=False),
    sa.Column("prediction", sa.Text, nullable=False),
    sa.Column("confidence", sa.Double, nullable=False),
    sa.Column("segment", sa.Text, nullable=True),
    sa.Index("ix_predictions_window", "model", "occurred_at"),
    postgresql_partition_by="RANGE (occurred_at)",
)
outcomes = sa.Table(
    "outcomes",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("row_id", sa.Text, primary_key=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("known_at", _NOW, nullable=False),
)
reports_saved = sa.Sequence("monitoring_reports_saved")
monitoring_reports = sa.Table(
    "monitoring_reports",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("window_end", _NOW, primary_key=True),
    sa.Column("saved", sa.BigInteger, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index(
        "ix_monitoring_reports_newest", "model", sa.text("window_end DESC"), sa.text("saved DESC")
    ),
)
retraining_requests = sa.Table(
    "retraining_requests",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False, index=True),
    sa.Column("requested_at", _NOW, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False, index=True),
    sa.Column("at", _NOW, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
incident_events = sa.Table(
    "incident_events",
    metadata,
    sa.Column("sequence", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
    sa.Column("model", sa.Text, nullable=False, index=True),
    sa.Column("incident_id", sa.Text, nullable=False),
    sa.Column("at", _NOW, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
policy_revisions = sa.Table(
    "policy_revisions",
    metadata,
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", _NOW, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
experiments = sa.Table(
    "experiments",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False, index=True),
    sa.Column("defined_at", _NOW, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
experiment_results = sa.Table(
    "experiment_results",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("finished_at", _NOW, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("statistics", sa.LargeBinary, nullable=False),
    sa.ForeignKeyConstraint(["name"], ["experiments.name"]),
)
experiment_events = sa.Table(
    "experiment_events",
    metadata,
    sa.Column("sequence", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("name", sa.Text, nullable=False, index=True),
    sa.Column("happening", sa.Text, nullable=False),
    sa.Column("at", _NOW, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("receiver", sa.Text, primary_key=True),
    sa.Column("created_at", _NOW, nullable=False),
    sa.Column("due_at", _NOW, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("delivered_at", _NOW, nullable=True),
    sa.Column("fault", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index("ix_outbox_due", "due_at", postgresql_where=sa.text("delivered_at IS NULL")),
)
removals = sa.Table(
    "removals",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("at", _NOW, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
)
legal_holds = sa.Table(
    "legal_holds",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("at", _NOW, primary_key=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("lifted_at", _NOW, nullable=True),
    sa.Column("lifted_by", sa.Text, nullable=False, server_default=""),
)
forgotten_people = sa.Table(
    "forgotten_people",
    metadata,
    sa.Column("tombstone", sa.Text, primary_key=True),
    sa.Column("key_check", sa.Text, nullable=False),
    sa.Column("at", _NOW, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("learned", sa.Text, nullable=False),
    sa.Column("finished_at", _NOW, nullable=True),
)
redacted_reports = sa.Table(
    "redacted_reports",
    metadata,
    sa.Column("report_id", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("at", _NOW, nullable=False),
)
api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("secret_sha256", sa.Text, nullable=False),
    sa.Column("created_at", _NOW, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("expires_at", _NOW, nullable=True),
    sa.Column("revoked_at", _NOW, nullable=True),
    sa.Column("revoked_by", sa.Text, nullable=False),
    sa.Column("revoked_reason", sa.Text, nullable=False),
    sa.Column("replaces", sa.Text, nullable=True, unique=True),
)
row_hashes = sa.Table(
    "row_hashes",
    metadata,
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.Numeric, nullable=False),
)
answers = sa.Table(
    "answers",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("prediction_id", sa.Uuid, primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("arm", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("row_id", sa.Text, nullable=False),
    sa.Column("predicted_at", _NOW, nullable=False),
    sa.Column("milliseconds", sa.Double, nullable=False),
    sa.Column("prediction", sa.Text, nullable=False),
    sa.Column("confidence", sa.Double, nullable=False),
    sa.Column("fallback", sa.Text, nullable=False),
    sa.Column("failed_version", sa.Text, nullable=False),
    sa.Column("data_version", sa.Text, nullable=False),
    sa.Column("feature_version", sa.Text, nullable=False),
    sa.Index("ix_answers_model", "model", "predicted_at"),
    sa.Index("ix_answers_user", "user_id", "predicted_at"),
    postgresql_partition_by="RANGE (day)",
)
answer_payloads = sa.Table(
    "answer_payloads",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("prediction_id", sa.Uuid, primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("features", sa.Text, nullable=False),
    sa.Column("scores", sa.Text, nullable=False),
    postgresql_partition_by="RANGE (day)",
)
answer_seals = sa.Table(
    "answer_seals",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.Numeric, nullable=False),
    sa.Column("sealed_at", _NOW, nullable=False),
)
inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("table_name", sa.Text, nullable=False),
    sa.Column("row_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("completes", sa.Boolean, nullable=False),
    sa.Column("received_at", _NOW, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("taken_in_at", _NOW, nullable=True),
    sa.Index("ix_inbox_waiting", "id", postgresql_where=sa.text("taken_in_at IS NULL")),
    sa.Index(
        "ix_inbox_taken_in", "taken_in_at", postgresql_where=sa.text("taken_in_at IS NOT NULL")
    ),
)
feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("prediction_id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("once", sa.Text, primary_key=True),
    sa.Column("label", sa.Text, nullable=True),
    sa.Column("value", sa.Double, nullable=True),
    sa.Column("at", _NOW, nullable=False),
    sa.Column("received_at", _NOW, nullable=False, index=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("row_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False, index=True),
    sa.Column("key_id", sa.Text, nullable=False),
)
repeated_requests = sa.Table(
    "repeated_requests",
    metadata,
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("idempotency_key", sa.Text, primary_key=True),
    sa.Column("asked_at", _NOW, nullable=False, index=True),
    sa.Column("request_sha256", sa.Text, nullable=False),
    sa.Column("response", sa.Text, nullable=False),
)
