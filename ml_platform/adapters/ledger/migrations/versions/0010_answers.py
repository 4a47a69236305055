"""What the prediction service has answered: slim rows and payloads by day, and the seals of finished days."""

from alembic import op

from ml_platform.adapters.ledger.row_hashes import follow_rows_of

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Their rows are not hashed one by one while they are written, as other tables' are: all workers would wait for one
# row of the day. A day is sealed when it is over.
_ANSWERS = """
CREATE TABLE answers (
    day date NOT NULL, prediction_id uuid NOT NULL, model text NOT NULL, version text NOT NULL, arm text NOT NULL,
    origin text NOT NULL, user_id text NOT NULL, key_id text NOT NULL, row_id text NOT NULL,
    predicted_at timestamptz NOT NULL, milliseconds double precision NOT NULL, prediction text NOT NULL,
    confidence double precision NOT NULL, fallback text NOT NULL, failed_version text NOT NULL,
    data_version text NOT NULL, feature_version text NOT NULL,
    PRIMARY KEY (day, prediction_id, origin)
) PARTITION BY RANGE (day);
CREATE INDEX ix_answers_model ON answers (model, predicted_at);
CREATE INDEX ix_answers_user ON answers (user_id, predicted_at);
CREATE TABLE answer_payloads (
    day date NOT NULL, prediction_id uuid NOT NULL, origin text NOT NULL, features text NOT NULL,
    scores text NOT NULL,
    PRIMARY KEY (day, prediction_id, origin)
) PARTITION BY RANGE (day);
CREATE TABLE answer_seals (
    day date PRIMARY KEY, rows bigint NOT NULL, digest numeric NOT NULL, sealed_at timestamptz NOT NULL
);
CREATE TABLE repeated_requests (
    key_id text NOT NULL, idempotency_key text NOT NULL, asked_at timestamptz NOT NULL,
    request_sha256 text NOT NULL, response text NOT NULL,
    PRIMARY KEY (key_id, idempotency_key)
);
CREATE INDEX ix_repeated_requests_asked_at ON repeated_requests (asked_at);
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(_ANSWERS)
    op.execute(follow_rows_of("answer_seals"))


def downgrade() -> None:
    """Answers that were logged would be lost."""
    raise NotImplementedError("restore the database from a backup instead")
