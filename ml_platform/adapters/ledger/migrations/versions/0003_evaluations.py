"""Later evaluations of a version: the first one stands in its row, and none is ever changed."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE later_evaluations (
    model text, version integer, evaluation integer, verdict text NOT NULL, body text NOT NULL,
    PRIMARY KEY (model, version, evaluation),
    FOREIGN KEY (model, version) REFERENCES model_versions (model, version)
);
"""

_ONE_ARTIFACT = """
ALTER TABLE model_versions
    DROP CONSTRAINT model_versions_model_artifact_sha256_training_set_fingerpri_key;
"""


def upgrade() -> None:
    """Make the table; the policy is no part of a version's identity any more, which the registry decides."""
    op.execute(_TABLE)
    op.execute(_ONE_ARTIFACT)


def downgrade() -> None:
    """A decision is not given up."""
    raise NotImplementedError("restore the database from a backup instead")
