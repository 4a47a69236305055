"""The rows of every table have a hash by table and day, kept by the database while the ledger writes."""

from alembic import op

from ml_platform.adapters.ledger.row_hashes import follow_rows_of

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = (
    "home_state",
    "evaluation_reports",
    "training_sets",
    "model_versions",
    "later_evaluations",
    "production_state",
    "promotion_events",
    "feature_definitions",
    "baselines",
    "predictions",
    "outcomes",
    "monitoring_reports",
    "retraining_requests",
    "alerts",
    "policy_revisions",
    "experiments",
    "experiment_results",
    "experiment_events",
)
_TABLE = """
CREATE TABLE row_hashes (
    table_name text, day text, rows bigint NOT NULL, digest numeric NOT NULL, PRIMARY KEY (table_name, day)
);
"""
# The first 120 bits of a row's SHA-256 as a number: these are added up, so that the order of rows does not matter
# and a row that goes is subtracted.
_HASH = """
CREATE FUNCTION row_hash(content text) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ('x' || left(encode(sha256(convert_to(content, 'UTF8')), 'hex'), 15))::bit(60)::bigint::numeric
           * 1152921504606846976
         + ('x' || substr(encode(sha256(convert_to(content, 'UTF8')), 'hex'), 16, 15))::bit(60)::bigint
$$;
"""
# The text of a row depends on settings of the session, which are therefore fixed.
_FIXED = """
    SET timezone TO 'UTC' SET datestyle TO 'ISO, YMD' SET extra_float_digits TO 1 SET bytea_output TO 'hex'
"""
_PRESENT = f"""
CREATE FUNCTION present_row_hashes(source text, day_of text)
RETURNS TABLE (day text, rows bigint, digest numeric) LANGUAGE plpgsql STABLE {_FIXED} AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT %s, count(*), sum(row_hash(r::text)) FROM %I r GROUP BY 1', day_of, source
    );
END $$;
"""
# Only sessions of the ledger say `ml_platform.ledger`: what another hand changes is not followed, and shows.
_FOLLOW = f"""
CREATE FUNCTION follow_rows() RETURNS trigger LANGUAGE plpgsql {_FIXED} AS $$
DECLARE
    come text := format('SELECT %s AS day, 1 AS sign, row_hash(r::text) AS hash FROM come r', TG_ARGV[0]);
    gone text := format('SELECT %s AS day, -1 AS sign, row_hash(r::text) AS hash FROM gone r', TG_ARGV[0]);
    changes text := CASE TG_OP
        WHEN 'INSERT' THEN come WHEN 'DELETE' THEN gone ELSE come || ' UNION ALL ' || gone END;
BEGIN
    IF current_setting('ml_platform.ledger', true) IS DISTINCT FROM 'on' THEN
        RETURN NULL;
    END IF;
    EXECUTE format(
        'INSERT INTO row_hashes AS h SELECT %L, day, sum(sign), sum(sign * hash) FROM (%s) c '
        'GROUP BY day ORDER BY day ON CONFLICT (table_name, day) DO UPDATE '
        'SET rows = h.rows + excluded.rows, digest = h.digest + excluded.digest', TG_TABLE_NAME, changes
    );
    RETURN NULL;
END $$;
"""
_WHOLE_VERSIONS = """
ALTER TABLE model_versions ADD CONSTRAINT model_versions_are_whole CHECK (
    artifact_sha256 ~ '^[0-9a-f]{64}$' AND training_set_fingerprint ~ '^[0-9a-f]{64}$'
    AND policy_version <> '' AND verdict <> '' AND mlflow_run_id <> '' AND body <> ''
);
"""


def upgrade() -> None:
    """Hash what is there, and from now on follow what the ledger writes."""
    for statement in (_TABLE, _HASH, _PRESENT, _FOLLOW, _WHOLE_VERSIONS):
        op.execute(statement)
    for table in _TABLES:
        op.execute(follow_rows_of(table))


def downgrade() -> None:
    """Without the hashes a changed row is not seen any more."""
    raise NotImplementedError("restore the database from a backup instead")
