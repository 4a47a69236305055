"""The tables every source is mapped to, as Arrow schemas; times are UTC and aware.

``change_set_id`` names what happened as one observation (the files of a commit, the rows of a batch): rows of
one change set may be aggregated with each other, and are never each other's past. ``session_id`` names the
cluster in which rows depend on each other (a session, a commit, a case): intervals and drift tests
resample it whole.
"""

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")


def _table(*fields: tuple[str, pa.DataType, bool]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=nullable) for name, kind, nullable in fields])


EVENTS = _table(
    ("event_id", pa.string(), False),
    ("user_id", pa.string(), False),
    ("occurred_at", TIME, False),
    ("received_at", TIME, False),
    ("source", pa.string(), False),
    ("tool", pa.string(), False),
    ("operation", pa.string(), False),
    ("object_path", pa.string(), True),
    ("object_extension", pa.string(), True),
    ("session_id", pa.string(), True),
    ("change_set_id", pa.string(), False),
    ("workflow_category", pa.string(), True),
    ("is_bot", pa.bool_(), False),
    ("utc_offset_minutes", pa.int16(), True),
    ("attributes", pa.string(), True),
)
WORKFLOW_EXECUTIONS = _table(
    ("execution_id", pa.string(), False),
    ("workflow_id", pa.string(), False),
    ("user_id", pa.string(), False),
    ("started_at", TIME, False),
    ("received_at", TIME, False),
    ("source", pa.string(), False),
    ("finished_at", TIME, True),
    ("status", pa.string(), False),
    ("trigger", pa.string(), True),
    ("propensity", pa.float64(), True),
    ("candidate_set", pa.string(), True),
    ("attributes", pa.string(), True),
)
SUGGESTIONS = _table(
    ("suggestion_id", pa.string(), False),
    ("user_id", pa.string(), False),
    ("workflow_id", pa.string(), False),
    ("shown_at", TIME, False),
    ("received_at", TIME, False),
    ("source", pa.string(), False),
    ("outcome", pa.string(), True),
    ("outcome_at", TIME, True),
    ("attributes", pa.string(), True),
)
USERS = _table(
    ("user_id", pa.string(), False),
    ("source", pa.string(), False),
    ("received_at", TIME, False),
    ("team", pa.string(), True),
    ("region", pa.string(), True),
    ("tenure_days", pa.int32(), True),
)
CEILINGS = _table(
    ("row_id", pa.string(), False),
    ("target", pa.string(), False),
    ("occurred_at", TIME, False),
    ("received_at", TIME, False),
    ("source", pa.string(), False),
    ("prediction", pa.string(), False),
    ("probability", pa.float64(), False),
)
"""Predictions of the Bayes rule for a label, ``target``, by a source that knows the truth; elsewhere empty.

A target may have parts, such as ``next_step/soon``. ``ModelSpec.ceiling_target`` names the target of a model.
"""

KNOWN_ANOMALIES = _table(
    ("anomaly_id", pa.string(), False),
    ("session_id", pa.string(), False),
    ("user_id", pa.string(), False),
    ("occurred_at", TIME, False),
    ("received_at", TIME, False),
    ("source", pa.string(), False),
    ("kind", pa.string(), True),
)
"""Sessions that people have reported as anomalous; ``occurred_at`` is the session's start."""

TABLES: dict[str, pa.Schema] = {
    "events": EVENTS,
    "workflow_executions": WORKFLOW_EXECUTIONS,
    "suggestions": SUGGESTIONS,
    "users": USERS,
    "ceilings": CEILINGS,
    "known_anomalies": KNOWN_ANOMALIES,
}

IDENTITY: dict[str, tuple[str, ...]] = {
    "events": ("event_id",),
    "workflow_executions": ("execution_id",),
    "suggestions": ("suggestion_id",),
    "users": ("user_id",),
    "ceilings": ("target", "row_id"),
    "known_anomalies": ("anomaly_id",),
}
"""Columns that identify a row: the same row sent twice is a duplicate and changes nothing."""

EVENT_TIME: dict[str, str | None] = {
    "events": "occurred_at",
    "workflow_executions": "started_at",
    "suggestions": "shown_at",
    "users": None,
    "ceilings": "occurred_at",
    "known_anomalies": "occurred_at",
}
"""The column whose UTC day is the partition; ``None``: the table is one partition."""

FILLS_IN: dict[str, dict[str, str | None]] = {
    "events": {"workflow_category": None},
    "workflow_executions": {"finished_at": None, "status": "running"},
    "suggestions": {"outcome": None, "outcome_at": None},
    "users": {},
    "ceilings": {},
    "known_anomalies": {},
}
"""Columns that become known after the row first came, and what stands in them until then."""
