"""PostgreSQL knows how many rows of a model there are as soon as they are logged, whenever it counts by itself."""

import sqlalchemy as sa

from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform_tests.prediction_log.examples import predictions

ROWS = 2_000


def estimated(engine: sa.Engine, table: str, model: str) -> int:
    """The rows of a model that PostgreSQL counts on when it plans a query."""
    explain = f"EXPLAIN (FORMAT JSON) SELECT * FROM {table} WHERE model = '{model}'"
    with engine.connect() as connection:
        (found,) = connection.scalar(sa.text(explain))
    return int(found["Plan"]["Plan Rows"])


def test_a_model_that_comes_later_is_counted_too(database_url: str) -> None:
    ledger, engine = PostgresLedger(database_url), sa.create_engine(database_url)
    for model in ("first", "second"):
        logged = predictions(ROWS, model=model)
        assert ledger.log_predictions(logged) == ROWS
        known = logged[["model", "row_id"]].assign(label="x", known_at=logged["predicted_at"])
        assert ledger.log_outcomes(known) == ROWS
        for table in ("predictions", "outcomes"):
            assert ROWS / 2 < estimated(engine, table, model) < 2 * ROWS, table
    ledger.close()
    engine.dispose()
