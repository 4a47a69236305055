"""The API keys of the prediction service: who may ask, for what, until when, and a hash of each secret."""

from alembic import op

from ml_platform.adapters.ledger.row_hashes import follow_rows_of

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE api_keys (
    key_id text PRIMARY KEY, user_id text NOT NULL, name text NOT NULL, scopes text NOT NULL,
    secret_sha256 text NOT NULL, created_at timestamptz NOT NULL, created_by text NOT NULL, expires_at timestamptz,
    revoked_at timestamptz, revoked_by text NOT NULL, revoked_reason text NOT NULL, replaces text UNIQUE
);
"""


def upgrade() -> None:
    """Make the table."""
    op.execute(_TABLE)
    op.execute(follow_rows_of("api_keys"))


def downgrade() -> None:
    """Nobody could ask any more."""
    raise NotImplementedError("restore the database from a backup instead")
