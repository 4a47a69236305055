"""The gate policies of the home, one revision after the other."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE policy_revisions (
    revision integer PRIMARY KEY, at timestamptz NOT NULL, sha256 text NOT NULL, body text NOT NULL
);
CREATE FUNCTION refuse_change_of_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'policy_revisions is append-only: % refused; set another policy', TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER policy_revisions_append_only BEFORE UPDATE OR DELETE ON policy_revisions
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_policy();
CREATE TRIGGER policy_revisions_not_emptied BEFORE TRUNCATE ON policy_revisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_policy();
"""


def upgrade() -> None:
    """Make the table; the database itself keeps it append-only."""
    op.execute(_TABLE)


def downgrade() -> None:
    """What was decided by is not given up."""
    raise NotImplementedError("restore the database from a backup instead")
