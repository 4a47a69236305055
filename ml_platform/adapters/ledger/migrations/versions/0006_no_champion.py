"""Production may have no version: a rollback from a first champion goes to the rules."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let the version be null; its revision goes on."""
    op.execute("ALTER TABLE production_state ALTER COLUMN version DROP NOT NULL")


def downgrade() -> None:
    """A rollback is not undone by a schema."""
    raise NotImplementedError("restore the database from a backup instead")
