"""What Alembic runs: the connection comes from `schema_upgrade.upgrade`, which holds the lock."""

from alembic import context

from ml_platform.adapters.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
